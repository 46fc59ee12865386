//! Frozen backbones: accuracy of classifiers on features of networks that were not trained in this study.

use std::collections::BTreeSet;

use maud::{Markup, html};
use numeric::median;
use table_epoch_scores::EpochScore;
use table_history::History;
use table_linear_probes::LinearProbe;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{NONE, count, counted, list, value};
use crate::draw::plot::{Margins, Plot};
use crate::draw::table::table;
use crate::page::annotations::{Annotations, TopK};
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, Several, reads};

/// Columns of the table: subset, metric and name.
const COLUMNS: [(Subset, &str, &str); 4] = [
    (Subset::Validation, "top1", "top-1, validation"),
    (Subset::Validation, "top2", "top-2, validation"),
    (Subset::Test, "top1", "top-1, test"),
    (Subset::Test, "top2", "top-2, test"),
];

/// Name of the study's network beside the frozen ones.
const OWN: &str = "fine-tuned";

/// A network with a classifier, and its scores.
struct Model<'a> {
    network: &'a str,
    /// `linear`, `forest` or `network`.
    classifier: &'a str,
    c: Option<f64>,
    features: Option<u32>,
    /// Subset, metric and value in each fold.
    scores: Vec<(Subset, &'a str, f64)>,
}

impl<'a> Model<'a> {
    fn of(probe: &'a LinearProbe) -> Self {
        Self {
            network: &probe.backbone,
            classifier: &probe.classifier,
            c: probe.c,
            features: Some(probe.features),
            scores: Vec::new(),
        }
    }

    fn add(&mut self, subset: Subset, metric: &'a str, value: f64) {
        self.scores.push((subset, metric, value));
    }

    fn folds(&self, subset: Subset, metric: &str) -> Vec<f64> {
        let scores = self.scores.iter();
        let scores = scores.filter(|(s, m, _)| (*s, *m) == (subset, metric));
        scores.map(|(_, _, value)| *value).collect()
    }

    fn median(&self, subset: Subset, metric: &str) -> Option<f64> {
        Some(median(&self.folds(subset, metric))).filter(|value| value.is_finite())
    }
}

reads! {
    /// Tables of the section.
    pub(crate) struct FrozenBackbones {
        annotations: Annotations,
        histories: Several<History>,
        epoch_scores: Rows<EpochScore>,
        linear_probes: Rows<LinearProbe>,
    }
}

impl Section for FrozenBackbones {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let mut models = self.frozen();
        let Some(first) = models.first() else {
            return Ok(None);
        };
        let headline = self.annotations.headline_metric();
        let columns = COLUMNS.into_iter().filter(|(subset, metric, _)| {
            self.annotations.is_informative(metric)
                && self.linear_probes.iter().any(|row| row.subset == *subset)
        });
        let columns: Vec<_> = columns.collect();
        let n_folds = first.folds(Subset::Validation, headline.metric).len();
        models.extend(self.own());
        let figures = vec![figure(&models, headline)];
        let body = html! {
            p {
                "A frozen backbone is a network that was not trained on the classes of this study. Its features, the outputs of its last block, are "
                "classified by a linear layer and by a random forest with the parameters of the study's forest, in each fold. "
                (best_frozen(&models, headline)) (self.random())
            }
            p.note {
                "Medians of " (counted(n_folds, "fold")) ", in parentheses the lowest and the highest. Validation images selected "
                "C, the inverse regularization strength of the linear layer, and the epoch of the fine-tuned "
                "network; test images selected nothing."
            }
            (row(&figures))
            (scores(&models, &columns))
        };
        Ok(Some(Content {
            id: "frozen-backbones",
            heading: "Frozen backbones",
            body,
            figures,
        }))
    }
}

impl FrozenBackbones {
    /// Selected classifiers of each frozen network.
    fn frozen(&self) -> Vec<Model<'_>> {
        let mut models: Vec<Model<'_>> = Vec::new();
        for probe in self.linear_probes.iter().filter(|probe| probe.selected) {
            let is_new = models.last().is_none_or(|last| {
                last.network != probe.backbone || last.classifier != probe.classifier
            });
            if is_new {
                models.push(Model::of(probe));
            }
            if let Some(model) = models.last_mut() {
                model.add(probe.subset, &probe.metric, probe.value);
            }
        }
        models
    }

    /// The study's networks, each in the best epoch of its fold.
    fn own(&self) -> Option<Model<'_>> {
        let best = self.histories.iter().filter(|row| row.best);
        let best: BTreeSet<(u32, u32)> = best.map(|row| (row.fold, row.epoch)).collect();
        let mut model = Model {
            network: OWN,
            classifier: "network",
            c: None,
            features: None,
            scores: Vec::new(),
        };
        for row in self.epoch_scores.iter() {
            if best.contains(&(row.fold, row.epoch))
                && let Some(value) = row.value
            {
                model.add(row.subset, &row.metric, value);
            }
        }
        let is_scored = model
            .median(
                Subset::Validation,
                self.annotations.headline_metric().metric,
            )
            .is_some();
        is_scored.then_some(model)
    }

    /// Sentence on networks of random weights.
    fn random(&self) -> String {
        let random = self.linear_probes.iter().filter(|row| !row.pretrained);
        let random: BTreeSet<&str> = random.map(|row| row.backbone.as_str()).collect();
        if random.is_empty() {
            return String::new();
        }
        let names: Vec<String> = random.into_iter().map(str::to_owned).collect();
        format!(
            " The weights of {} are random, as this run has no file of pretrained weights: these scores are those of an untrained \
         network.",
            list(&names)
        )
    }
}

/// Sentence on the best frozen network beside the study's.
fn best_frozen(models: &[Model<'_>], headline: TopK) -> String {
    let score = |model: &Model<'_>| model.median(Subset::Validation, headline.metric);
    let frozen = models.iter().filter(|model| model.network != OWN);
    let best = frozen.max_by(|a, b| score(a).unwrap_or(0.0).total_cmp(&score(b).unwrap_or(0.0)));
    let Some((model, best)) = best.and_then(|model| Some((model, score(model)?))) else {
        return String::new();
    };
    let name = match model.classifier {
        "linear" => "linear layer",
        other => other,
    };
    let mut text = format!(
        "The best of them by validation images, the {name} on {}, has a median {} of {best:.3}",
        model.network, headline.name
    );
    let own = models.iter().find(|model| model.network == OWN);
    if let Some(own) = own.and_then(score) {
        let how = if best > own { "above" } else { "below" };
        let by = (best - own).abs();
        text.push_str(&format!(
            ", {by:.3} {how} the {own:.3} of the networks that were fine-tuned"
        ));
    }
    text.push('.');
    text
}

fn scores(models: &[Model<'_>], columns: &[(Subset, &str, &str)]) -> Markup {
    let head = html! {
        tr {
            th scope="col" { "network" }
            th.words scope="col" { "classifier" }
            th scope="col" { "features" }
            @for (_, _, name) in columns { th scope="col" { (name) } }
        }
    };
    let body = html! {
        @for model in models {
            tr class=[(model.network == OWN).then_some("shaded")] {
                th scope="row" { (model.network) }
                td.words { (classifier(model)) }
                td { (model.features.map_or_else(|| NONE.to_owned(), count)) }
                @for (subset, metric, _) in columns { (cell(model, *subset, metric)) }
            }
        }
    };
    table("Scores by network and classifier", &head, &body)
}

fn classifier(model: &Model<'_>) -> String {
    match (model.classifier, model.c) {
        ("linear", Some(c)) => format!("linear, C\u{a0}=\u{a0}{c}"),
        ("network", _) => "own last layer".to_owned(),
        (classifier, _) => classifier.to_owned(),
    }
}

fn cell(model: &Model<'_>, subset: Subset, metric: &str) -> Markup {
    let folds = model.folds(subset, metric);
    let low = folds.iter().copied().fold(f64::INFINITY, f64::min);
    let high = folds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    html! {
        td {
            (value(model.median(subset, metric)))
            @if low <= high { " " small { "(" (format!("{low:.2}–{high:.2}")) ")" } }
        }
    }
}

fn figure(models: &[Model<'_>], headline: TopK) -> Figure {
    const ROW: f64 = 22.0;
    const HEAD: f64 = 20.0;
    let margins = Margins {
        left: 70.0,
        right: 16.0,
        top: 10.0,
        bottom: 38.0,
    };
    let networks: BTreeSet<&str> = models.iter().map(|model| model.network).collect();
    let height =
        margins.top + ROW * models.len() as f64 + HEAD * networks.len() as f64 + margins.bottom;
    let mut plot = Plot::new((480.0, height), margins, (0.0, 1.0), (0.0, 1.0));
    plot.draw_x_axis(headline.name, 0.0, true);
    let mut top = margins.top;
    let mut above = None;
    for model in models {
        if above != Some(model.network) {
            let at = (margins.left, top + HEAD - 5.0);
            plot.canvas.text("strong halo", at, model.network);
            top += HEAD;
        }
        above = Some(model.network);
        let y = top + ROW / 2.0;
        let at = (margins.left - 8.0, y + 4.0);
        plot.canvas.text("muted end", at, model.classifier);
        draw(&mut plot, model, headline.metric, y);
        top += ROW;
    }
    Figure {
        name: "frozen-backbones".to_owned(),
        title: "Frozen and fine-tuned networks".to_owned(),
        caption: "Dots are scores on the folds' validation images, the vertical stroke is their median; the ring is the median on \
                  test images. Fine-tuning gains little over a frozen network whose dots are among those of the \
                  fine-tuned networks."
            .to_owned(),
        canvas: plot.canvas,
    }
}

fn draw(plot: &mut Plot, model: &Model<'_>, metric: &str, y: f64) {
    let color = match model.classifier {
        "network" => 0,
        "forest" => 1,
        _ => 2,
    };
    if let Some(median) = model.median(Subset::Validation, metric) {
        let x = plot.x.at(median);
        let stroke = format!("whisker stroke-{color}");
        plot.canvas.line(&stroke, (x, y - 8.0), (x, y + 8.0));
    }
    for value in model.folds(Subset::Validation, metric) {
        let at = (plot.x.at(value), y);
        plot.canvas.circle(&format!("dot fill-{color}"), at, 3.5);
    }
    if let Some(median) = model.median(Subset::Test, metric) {
        let at = (plot.x.at(median), y);
        plot.canvas.circle(&format!("ring stroke-{color}"), at, 6.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture::{report, study};

    #[test]
    fn frozen_networks_are_compared_with_fine_tuned_ones() {
        let mut study = study();
        let page = report(&study).page;
        let expected = [
            "The best of them by validation images, the linear layer on resnet18, has a median top-1 of 0.700, 0.200 above the \
         0.500 of the networks that were fine-tuned. The weights of resnet18 are random, as",
            "Medians of 3 folds",
            "<td class=\"words\">linear, C\u{a0}=\u{a0}0.1</td><td>512</td>",
            "0.700 <small>(0.60–0.80)</small>",
            "<td class=\"words\">own last layer</td><td>–</td>",
        ];
        for part in expected {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("0.01</td>"), "a C that was not selected");
        study.edit("linear_probes", |rows: &mut Vec<LinearProbe>| {
            rows.iter_mut().for_each(|row| row.pretrained = true)
        });
        assert!(!report(&study).page.contains("are random, as"));
    }
}
