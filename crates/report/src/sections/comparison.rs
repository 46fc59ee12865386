//! Scores of the network and of the random forest.

use maud::html;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::subset_name;
use crate::draw::plot::{Margins, Plot};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::scores::Scores;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::reads;
use crate::sections::overview::cell;

/// Metrics of the comparison.
const METRICS: [(&str, &str); 3] = [("top1", "top-1"), ("top2", "top-2"), ("f1", "F1")];

/// Colors of the models.
const COLORS: [(&str, &str); 3] = [
    ("stroke-0", "fill-0"),
    ("stroke-1", "fill-1"),
    ("stroke-2", "fill-2"),
];

reads! {
    /// Tables of the section.
    pub(crate) struct ModelComparison {
        annotations: Annotations,
        scores: Scores,
    }
}

impl Section for ModelComparison {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let models = self.scores.models();
        let figures = vec![self.figure()];
        let head = html! {
            tr { td {} td {} @for model in &models { th scope="col" { (model) } } }
        };
        let body = html! {
            @for (metric, name) in self.metrics() { @for (idx, subset) in self.scores.subsets().into_iter().enumerate() {
                tr class=[(idx == 0).then_some("first")] {
                    th scope="row" { @if idx == 0 { (name) } }
                    th scope="row" { (subset_name(subset)) }
                    @for model in &models { (cell(&self.scores, model, subset, metric)) }
                }
            } }
        };
        let body = html! {
            @if models.contains(&"forest") { p {
                "The random forest classifies the network's embeddings. Where its score equals the network's, the "
                "embedding holds the information needed; where the network is better, its last layer uses the embedding better."
                @if models.contains(&"tuned forest") { " The tuned forest is the best of a hyperparameter search, which has its own section." }
            } }
            (row(&figures))
            (table("Scores with 95 % intervals", &head, &body))
        };
        Ok(Some(Content {
            id: "comparison",
            heading: if models.contains(&"forest") {
                "Network and random forest"
            } else {
                "Scores"
            },
            body,
            figures,
        }))
    }
}

impl ModelComparison {
    /// Metrics that can differ between models.
    fn metrics(&self) -> Vec<(&'static str, &'static str)> {
        let metrics = METRICS.into_iter();
        metrics
            .filter(|(metric, _)| self.annotations.is_informative(metric))
            .collect()
    }

    fn figure(&self) -> Figure {
        const ROW: f64 = 34.0;
        const GAP: f64 = 14.0;
        let subsets = self.scores.subsets();
        let block = ROW * subsets.len() as f64 + GAP;
        let metrics = self.metrics();
        let height = 34.0 + block * metrics.len() as f64 + 38.0;
        let margins = Margins {
            left: 112.0,
            right: 16.0,
            top: 28.0,
            bottom: 38.0,
        };
        let mut plot = Plot::new((480.0, height), margins, (0.0, 1.0), (0.0, 1.0));
        plot.draw_x_axis("score", 0.0, true);
        for (idx, (metric, name)) in metrics.iter().enumerate() {
            let top = 34.0 + block * idx as f64;
            plot.canvas
                .text("strong", (4.0, top + ROW / 2.0 + 4.0), name);
            for (idx, &subset) in subsets.iter().enumerate() {
                let y = top + ROW * (idx as f64 + 0.5);
                plot.canvas
                    .text("muted end", (104.0, y + 4.0), subset_name(subset));
                draw_scores(&mut plot, &self.scores, subset, metric, y);
            }
        }
        let entries = [
            ("whisker stroke-0", "network"),
            ("whisker stroke-1", "forest"),
            ("whisker stroke-2", "tuned forest"),
        ];
        plot.draw_legend(&entries[..self.scores.models().len().min(entries.len())]);
        Figure {
            name: "comparison".to_owned(),
            title: "Scores".to_owned(),
            caption: format!(
                "Dots are scores, whiskers 95 % intervals by bootstrap over {}. The fewer of them a subset has, the wider they \
             are. Models whose whiskers overlap for most of their lengths are not distinguished.",
                self.annotations.units()
            ),
            canvas: plot.canvas,
        }
    }
}

fn draw_scores(plot: &mut Plot, scores: &Scores, subset: Subset, metric: &str, y: f64) {
    let models = scores.models();
    let middle = (models.len() as f64 - 1.0) / 2.0;
    for (idx, model) in models.into_iter().enumerate() {
        let Some(score) = scores.find(model, subset, metric) else {
            continue;
        };
        let y = y + 9.0 * (idx as f64 - middle);
        let (stroke, fill) = COLORS[idx % COLORS.len()];
        if let (Some(low), Some(high)) = (score.low, score.high) {
            let (from, to) = ((plot.x.at(low), y), (plot.x.at(high), y));
            plot.canvas.line(&format!("whisker {stroke}"), from, to);
        }
        if let Some(value) = score.value.filter(|value| value.is_finite()) {
            let at = (plot.x.at(value), y);
            plot.canvas.circle(&format!("dot {fill}"), at, 4.0);
        }
    }
}
