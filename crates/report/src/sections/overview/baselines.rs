//! The network and its baselines in one table.

use maud::{Markup, html};
use tables::Subset;

use crate::draw::format::{range, value};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::cross_validated::{
    CrossValidated, Model, NETWORK, SELECTED, counts_text, difference_from,
};
use crate::page::metrics::{Differences, Metric};

/// Columns of the table.
pub(crate) const METRICS: [Metric; 3] = [Metric::TOP_1, Metric::TOP_2, Metric::LOG_LOSS];

/// Network and baselines on `subset`, each with its paired difference from the network; empty without results.
pub(crate) fn at_a_glance(
    annotations: &Annotations,
    results: &CrossValidated,
    differences: &Differences,
    subset: Subset,
) -> Markup {
    let Some(counts) = results.counts(subset) else {
        return html! {};
    };
    let metrics: Vec<Metric> = METRICS
        .into_iter()
        .filter(|metric| annotations.is_informative(metric.id))
        .collect();
    let head = html! {
        tr {
            th scope="col" { "model" }
            @for metric in &metrics { th scope="col" { (metric.name) } }
        }
    };
    // On validation images, the selected network has the images of its fold alone.
    let models = results.models(subset).into_iter();
    let models = models.filter(|model| *model != SELECTED || subset == Subset::Test);
    let body = html! {
        @for model in models {
            tr class=[(model == NETWORK).then_some("shaded")] {
                th scope="row" { (name(model, subset, counts.folds)) }
                @for metric in &metrics { (cell(results, differences, model, subset, *metric)) }
            }
        }
    };
    let n_folds = counts.folds;
    let counts = counts_text(counts, annotations.has_authors());
    let images = match subset {
        Subset::Test => format!("the test set ({counts})"),
        _ if n_folds > 1 => format!("the validation images of all folds ({counts})"),
        _ => format!("the validation images ({counts})"),
    };
    table(
        &format!(
            "Network and baselines on {images}, with 95 % intervals. Second line: the network less the baseline, paired"
        ),
        &head,
        &body,
    )
}

fn name(model: Model<'_>, subset: Subset, folds: u32) -> String {
    if model == NETWORK && subset == Subset::Test && folds > 1 {
        return "networks of the folds, ensemble".to_owned();
    }
    model.name()
}

fn cell(
    results: &CrossValidated,
    differences: &Differences,
    model: Model<'_>,
    subset: Subset,
    metric: Metric,
) -> Markup {
    let row = results.find(model, subset, metric.id);
    let difference = difference_from(differences, model, subset, metric);
    let ends = row.and_then(|row| range(row.low, row.high));
    html! {
        td {
            (value(row.map(|row| row.value)))
            @if let Some(ends) = ends { " " small { "(" (ends) ")" } }
            @if let Some(difference) = difference {
                br;
                small {
                    (difference.text()) ", " (difference.verdict().on("network"))
                }
            }
        }
    }
}
