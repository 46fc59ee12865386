//! Learning curves: losses and scores over the epochs of every fold.

use std::collections::BTreeMap;

use maud::{Markup, html};
use table_epoch_scores::EpochScore;
use table_history::History;
use table_selection::Selection;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{counted, subset_name, value};
use crate::draw::plot::{Margins, Plot};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{One, Rows, Several, reads};

/// Metrics with a panel: name in the table, name in the figure, its `k` where chance is `k` of the classes.
const METRICS: [(&str, &str, Option<usize>); 3] = [
    ("top1", "Top-1", Some(1)),
    ("top2", "Top-2", Some(2)),
    ("f1", "Weighted F1", None),
];

/// Colors of [`Subset::OF_SPLIT`].
const STROKES: [&str; 3] = ["stroke-7", "stroke-0", "stroke-1"];

/// `(epoch, value)` by fold and subset.
type Curves = BTreeMap<(u32, Subset), Vec<(f64, f64)>>;

reads! {
    /// Tables of the section.
    pub(crate) struct LearningCurves {
        annotations: Annotations,
        selection: One<Selection>,
        histories: Several<History>,
        epoch_scores: Rows<EpochScore>,
    }
}

impl Section for LearningCurves {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let mut figures = vec![self.panel("loss", "Loss", &self.losses(), None)];
        let metrics = METRICS.into_iter();
        let metrics = metrics.filter(|(metric, ..)| self.annotations.is_informative(metric));
        figures.extend(metrics.map(|(metric, name, k)| {
            let chance = k.map(|k| self.annotations.chance(k));
            self.panel(metric, name, &self.scores(metric), chance)
        }));
        let body = html! {
            p {
                "Each fold's network was trained for " (counted(self.n_epochs(), "epoch")) ". Training values are those of the training pass itself, on "
                "augmented images while the weights changed, and on mixtures of two images if " code { "train.mixup" } " or "
                code { "train.cutmix" } " is set. Validation and test values are those after the epoch, on "
                "images without augmentation."
            }
            (row(&figures))
            (self.folds())
        };
        Ok(Some(Content {
            id: "learning-curves",
            heading: "Learning curves",
            body,
            figures,
        }))
    }
}

impl LearningCurves {
    fn n_epochs(&self) -> usize {
        let last = self.histories.iter().map(|row| row.epoch).max();
        last.map_or(0, |last| last as usize + 1)
    }

    fn losses(&self) -> Curves {
        let mut curves = Curves::new();
        for row in self.histories.iter() {
            let values = [
                Some(row.train_loss),
                Some(row.validation_loss),
                row.test_loss,
            ];
            for (subset, value) in Subset::OF_SPLIT.into_iter().zip(values) {
                push(&mut curves, (row.fold, subset), row.epoch, value);
            }
        }
        curves
    }

    fn scores(&self, metric: &str) -> Curves {
        let mut curves = Curves::new();
        for row in self.epoch_scores.iter().filter(|row| row.metric == metric) {
            push(&mut curves, (row.fold, row.subset), row.epoch, row.value);
        }
        curves
    }

    fn panel(&self, metric: &str, name: &str, curves: &Curves, chance: Option<f64>) -> Figure {
        let mut plot = plot(metric, curves);
        plot.draw_y_axis();
        plot.draw_x_axis("epoch", 1.0, false);
        if let Some(chance) = chance {
            plot.mark_y(chance, "chance");
        }
        let selected = self.selection.fold;
        let (own, others): (Vec<_>, Vec<_>) =
            curves.iter().partition(|((fold, _), _)| *fold == selected);
        for ((_, subset), points) in others {
            draw(&mut plot, "curve faint", *subset, points);
        }
        let epoch = self.selection.epoch;
        plot.mark_x(f64::from(epoch), &format!("selected: {epoch}"));
        for ((_, subset), points) in &own {
            draw(&mut plot, "curve", *subset, points);
        }
        let legend = Subset::OF_SPLIT.into_iter().zip(STROKES);
        let legend = legend.filter(|(subset, _)| own.iter().any(|((_, own), _)| own == subset));
        let strokes: Vec<(String, &str)> = legend
            .map(|(subset, stroke)| (format!("curve {stroke}"), subset_name(subset)))
            .collect();
        let strokes: Vec<(&str, &str)> = strokes.iter().map(|(s, p)| (s.as_str(), *p)).collect();
        plot.draw_legend(&strokes);
        Figure {
            name: format!("curves-{metric}"),
            title: format!("{name} by epoch"),
            caption: self.caption(metric),
            canvas: plot.canvas,
        }
    }

    fn caption(&self, metric: &str) -> String {
        let meaning = match metric {
            "loss" => {
                "Cross-entropy, weighted by class. Validation loss that rises while training loss falls indicates \
             overfitting."
            }
            "f1" => {
                "Mean of the classes' F1, weighted by their numbers of images; in top-1 and top-2, classes have equal \
             weights."
            }
            _ if self.annotations.has_authors() => {
                "The gap between training and the others is the loss of accuracy on unknown authors."
            }
            _ => "The gap between training and the others is the loss of accuracy on other images.",
        };
        format!(
            "{meaning} Strong: fold {}, with the selected epoch dashed; faint: the other folds.",
            self.selection.fold
        )
    }

    /// The best epoch of each fold.
    fn folds(&self) -> Markup {
        let head = html! {
            tr { th scope="col" { "fold" } th scope="col" { "best epoch" } th scope="col" { "score" } th scope="col" { "validation loss" } th scope="col" { "" } }
        };
        let selection = &self.selection;
        let body = html! {
            @for row in self.histories.iter().filter(|row| row.best) {
                @let is_selected = (row.fold, row.epoch) == (selection.fold, selection.epoch);
                tr class=[is_selected.then_some("shaded")] {
                    th scope="row" { (row.fold) }
                    td { (row.epoch) }
                    td { (value(Some(row.score))) }
                    td { (value(Some(row.validation_loss))) }
                    td { @if is_selected { "selected" } }
                }
            }
        };
        html! {
            (table("The best epoch of each fold, by the score that selects epochs", &head, &body))
        }
    }
}

fn push(curves: &mut Curves, key: (u32, Subset), epoch: u32, value: Option<f64>) {
    if let Some(value) = value.filter(|value| value.is_finite()) {
        let curve = curves.entry(key).or_default();
        curve.push((f64::from(epoch), value));
    }
}

fn plot(metric: &str, curves: &Curves) -> Plot {
    let points = || curves.values().flatten();
    let last = points().map(|(epoch, _)| *epoch).fold(1.0, f64::max);
    let highest = points().map(|(_, value)| *value).fold(0.0, f64::max);
    let high = match metric {
        "loss" if highest > 0.0 => highest * 1.05,
        _ => 1.0,
    };
    let margins = Margins {
        left: 36.0,
        right: 12.0,
        top: 40.0,
        bottom: 38.0,
    };
    Plot::new((400.0, 270.0), margins, (0.0, last), (0.0, high))
}

fn draw(plot: &mut Plot, class: &str, subset: Subset, points: &[(f64, f64)]) {
    let mut strokes = Subset::OF_SPLIT.into_iter().zip(STROKES);
    let Some((_, stroke)) = strokes.find(|(known, _)| *known == subset) else {
        return;
    };
    let places: Vec<_> = points.iter().map(|point| plot.at(*point)).collect();
    match places.as_slice() {
        // A line needs two points: one epoch is a dot.
        [only] => plot.canvas.dots(
            &format!("points subset-validation {stroke}"),
            &[*only],
            subset.name(),
        ),
        places => plot.canvas.polyline(&format!("{class} {stroke}"), places),
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn the_selected_epoch_is_marked_once_a_panel() {
        let report = report(&study());
        let panels = report
            .figures
            .iter()
            .filter(|f| f.name.starts_with("curves-"));
        let marks: Vec<usize> = panels
            .map(|f| occurrences(&f.svg, ">selected: 2<"))
            .collect();
        // Loss, top-1 and F1: two classes have no top-2.
        assert_eq!(marks, [1; 3]);
        assert_eq!(occurrences(&report.page, "<td>selected</td>"), 1);
    }
}
