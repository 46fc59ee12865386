//! Precision and recall of each class.

use maud::{Markup, html};
use tables::class_report::ClassReport;
use tables::subset::Subset;

use crate::draw::format::{count, score, subset_name, value};
use crate::page::section::{Section, table};
use crate::page::tables::Study;

/// The subsets shown side by side.
const SHOWN: [Subset; 2] = [Subset::Validation, Subset::Test];

/// The section.
pub(crate) fn section(study: &Study) -> Section {
    let body = html! {
        p {
            "Precision is the share of the pictures said to be of a class that are; recall is the share of the class's "
            "pictures that were found; F1 is their harmonic mean. High recall with low precision marks a class that "
            "the model says too readily."
        }
        @for model in study.models() { (report(study, model)) }
    };
    Section {
        id: "classes",
        title: "Class by class",
        body,
        figures: Vec::new(),
    }
}

fn report(study: &Study, model: &str) -> Markup {
    let subsets: Vec<Subset> = SHOWN
        .into_iter()
        .filter(|subset| study.subsets().contains(subset))
        .collect();
    let find = |subset: Subset, label: &str| -> Option<&ClassReport> {
        let mut rows = study.class_reports.iter();
        rows.find(|row| {
            (row.model.as_str(), row.subset, row.label.as_str()) == (model, subset, label)
        })
    };
    let head = html! {
        tr { td {} @for subset in &subsets { th.group scope="colgroup" colspan="4" { (subset_name(*subset)) } } }
        tr {
            th scope="col" { "class" }
            @for _ in &subsets {
                th.group scope="col" { "precision" } th scope="col" { "recall" } th scope="col" { "F1" } th scope="col" { "pictures" }
            }
        }
    };
    let body = html! {
        @for label in study.labels().names() {
            tr {
                th scope="row" { (label) }
                @for &subset in &subsets { (cells(find(subset, label))) }
            }
        }
        tr.total {
            th scope="row" { "weighted mean" }
            @for &subset in &subsets {
                td.group { (score(study.score(model, subset, "precision"))) }
                td { (score(study.score(model, subset, "recall"))) }
                td { (score(study.score(model, subset, "f1"))) }
                td { (count(study.n_pictures(subset))) }
            }
        }
    };
    table(&format!("The {model}, by class"), &head, &body)
}

fn cells(row: Option<&ClassReport>) -> Markup {
    // A class without images in the subset has no recall to speak of.
    let of = |figure: fn(&ClassReport) -> f64| value(row.filter(|row| row.support > 0).map(figure));
    html! {
        td.group { (of(|row| row.precision)) }
        td { (of(|row| row.recall)) }
        td { (of(|row| row.f1)) }
        td { (count(row.map_or(0, |row| row.support))) }
    }
}
