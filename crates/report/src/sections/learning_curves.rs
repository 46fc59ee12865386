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
use crate::draw::svg::Point;
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{One, Rows, Several, reads};

/// A metric by epoch.
struct Panel {
    /// Name in table `epoch_scores`; `loss` is in table `history`.
    metric: &'static str,
    /// Name of the figure.
    title: &'static str,
    /// Name of the axis, with its unit.
    axis: &'static str,
    /// Chance is this number of classes out of all, where there is a chance.
    k: Option<usize>,
    /// True if higher values are better.
    is_score: bool,
    /// Meaning of the metric.
    meaning: &'static str,
}

const LOSS: &str = "loss";

const PANELS: [Panel; 6] = [
    Panel {
        metric: LOSS,
        title: "Loss by epoch",
        axis: "cross-entropy (nats)",
        k: None,
        is_score: false,
        meaning: "Cross-entropy, weighted by class; lower is better. Validation loss that rises while training loss falls \
                  indicates overfitting.",
    },
    Panel {
        metric: "top1",
        title: "Top-1 accuracy by epoch",
        axis: "top-1 accuracy",
        k: Some(1),
        is_score: true,
        meaning: "Share of images whose true class is predicted; classes have equal weights.",
    },
    Panel {
        metric: "top2",
        title: "Top-2 accuracy by epoch",
        axis: "top-2 accuracy",
        k: Some(2),
        is_score: true,
        meaning: "Share of images whose true class is among the first two guesses; classes have equal weights.",
    },
    Panel {
        metric: "f1",
        title: "Weighted F1 by epoch",
        axis: "F1",
        k: None,
        is_score: true,
        meaning: "Mean of the classes' F1, weighted by their numbers of images.",
    },
    Panel {
        metric: "silhouette_true",
        title: "Silhouette of the classes by epoch",
        axis: "silhouette",
        k: None,
        is_score: true,
        meaning: "Separation of the true classes in the embedding, from −1 to 1; higher is better.",
    },
    Panel {
        metric: "davies_bouldin_true",
        title: "Davies–Bouldin index by epoch",
        axis: "Davies–Bouldin index",
        k: None,
        is_score: false,
        meaning: "Spread of the true classes in the embedding relative to their distances, from 0; lower is better.",
    },
];

/// Colors of [`Subset::OF_SPLIT`].
const STROKES: [&str; 3] = ["stroke-7", "stroke-0", "stroke-1"];

/// Epochs up to which each point of a curve has a tooltip.
const MOST_TITLED: usize = 60;

/// Rows of the table of numbers, at most.
const MOST_ROWS: usize = 100;

/// `(epoch, value)` by fold and subset.
type Curves = BTreeMap<(u32, Subset), Vec<(u32, f64)>>;

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
        let panels: Vec<(&Panel, Curves)> = PANELS
            .iter()
            .filter(|panel| self.annotations.is_informative(panel.metric))
            .map(|panel| (panel, self.curves(panel.metric)))
            .filter(|(_, curves)| !curves.is_empty())
            .collect();
        let figures = panels.iter();
        let figures: Vec<Figure> = figures
            .map(|(panel, curves)| self.figure(panel, curves))
            .collect();
        let body = html! {
            p {
                "Each fold's network was trained for " (counted(self.n_epochs(), "epoch")) ". Training values are those of the training pass itself, on "
                "augmented images while the weights changed, so that they can be worse than validation values; if " code { "train.mixup" }
                " or " code { "train.cutmix" } " is set, they are of mixtures of two images. Validation and test values are those \
                 after the epoch, on images without augmentation."
            }
            (row(&figures))
            (self.numbers(&panels))
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

    fn curves(&self, metric: &str) -> Curves {
        if metric == LOSS {
            return self.losses();
        }
        let mut curves = Curves::new();
        for row in self.epoch_scores.iter().filter(|row| row.metric == metric) {
            push(&mut curves, (row.fold, row.subset), row.epoch, row.value);
        }
        curves
    }

    fn figure(&self, panel: &Panel, curves: &Curves) -> Figure {
        let mut plot = plot(curves);
        plot.draw_y_axis();
        plot.name_y_axis(panel.axis);
        plot.draw_x_axis("epoch", 1.0, false);
        if let Some(k) = panel.k {
            plot.mark_y(self.annotations.chance(k), "chance");
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
        for ((fold, subset), points) in &own {
            add_titles(&mut plot, *fold, *subset, points);
        }
        let legend = Subset::OF_SPLIT.into_iter().zip(STROKES);
        let legend = legend.filter(|(subset, _)| own.iter().any(|((_, own), _)| own == subset));
        let strokes: Vec<(String, &str)> = legend
            .map(|(subset, stroke)| (format!("curve {stroke}"), subset_name(subset)))
            .collect();
        let strokes: Vec<(&str, &str)> = strokes.iter().map(|(s, p)| (s.as_str(), *p)).collect();
        plot.draw_legend(&strokes);
        Figure {
            name: format!("curves-{}", panel.metric.replace('_', "-")),
            title: panel.title.to_owned(),
            caption: self.caption(panel, curves),
            canvas: plot.canvas,
        }
    }

    fn caption(&self, panel: &Panel, curves: &Curves) -> String {
        let fold = self.selection.fold;
        format!(
            "{}{} Strong: fold {fold}, with the selected epoch dashed; faint: the other folds.",
            panel.meaning,
            self.gap(panel, curves)
        )
    }

    /// Sentence on the difference between training and validation in the selected epoch, whichever is better; empty
    /// where a value is undefined.
    fn gap(&self, panel: &Panel, curves: &Curves) -> String {
        let Selection { fold, epoch, .. } = *self.selection;
        let at = |subset| value_at(curves, (fold, subset), epoch);
        let (Some(train), Some(validation)) = (at(Subset::Train), at(Subset::Validation)) else {
            return String::new();
        };
        let gain = if panel.is_score {
            train - validation
        } else {
            validation - train
        };
        let reason = match gain {
            gain if gain < 0.0 => {
                "training is worse, as its images are augmented and the weights still change"
            }
            _ if self.annotations.has_authors() => {
                "the difference is the loss on images by unknown authors"
            }
            _ => "the difference is the loss on other images",
        };
        format!(
            " In the selected epoch, training has {} and validation {}: {reason}.",
            value(Some(train)),
            value(Some(validation))
        )
    }

    /// The values behind the strong curves.
    fn numbers(&self, panels: &[(&Panel, Curves)]) -> Markup {
        let fold = self.selection.fold;
        let of_fold = |curves: &Curves| -> Vec<Subset> {
            let subsets = Subset::OF_SPLIT.into_iter();
            subsets
                .filter(|subset| curves.contains_key(&(fold, *subset)))
                .collect()
        };
        let columns: Vec<(&Panel, &Curves, Vec<Subset>)> = panels
            .iter()
            .map(|(panel, curves)| (*panel, curves, of_fold(curves)))
            .filter(|(.., subsets)| !subsets.is_empty())
            .collect();
        let n_epochs = u32::try_from(self.n_epochs()).unwrap_or(u32::MAX);
        let epochs = (0..n_epochs).step_by(self.n_epochs().div_ceil(MOST_ROWS).max(1));
        let head = html! {
            tr { th scope="col" rowspan="2" { "epoch" } @for (panel, _, subsets) in &columns { th scope="colgroup" colspan=(subsets.len()) { (panel.axis) } } }
            tr { @for (.., subsets) in &columns { @for subset in subsets { th scope="col" { (subset_name(*subset)) } } } }
        };
        let body = html! {
            @for epoch in epochs {
                tr class=[(epoch == self.selection.epoch).then_some("shaded")] {
                    th scope="row" { (epoch) }
                    @for (_, curves, subsets) in &columns {
                        @for subset in subsets { td { (value(value_at(curves, (fold, *subset), epoch))) } }
                    }
                }
            }
        };
        html! {
            details {
                summary { "Numbers of fold " (fold) " by epoch" }
                (table(&format!("Fold {fold} by epoch; the selected epoch is shaded"), &head, &body))
            }
        }
    }

    /// The saved epoch of each fold.
    fn folds(&self) -> Markup {
        let head = html! {
            tr { th scope="col" { "fold" } th scope="col" { "saved epoch" } th scope="col" { "score" } th scope="col" { "validation loss" } th scope="col" { "" } }
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
            (table("The epoch of each fold whose model is saved", &head, &body))
        }
    }
}

fn push(curves: &mut Curves, key: (u32, Subset), epoch: u32, value: Option<f64>) {
    if let Some(value) = value.filter(|value| value.is_finite()) {
        curves.entry(key).or_default().push((epoch, value));
    }
}

fn value_at(curves: &Curves, key: (u32, Subset), epoch: u32) -> Option<f64> {
    let mut points = curves.get(&key)?.iter();
    let (_, value) = points.find(|(at, _)| *at == epoch)?;
    Some(*value)
}

/// An empty plot from 0, or the lowest value below, to 1, or the highest value above: losses alone are above.
fn plot(curves: &Curves) -> Plot {
    let points = || curves.values().flatten();
    let last = points().map(|(epoch, _)| *epoch).max().unwrap_or(0).max(1);
    let low = points().map(|(_, value)| *value).fold(0.0, f64::min);
    let high = points().map(|(_, value)| *value).fold(1.0, f64::max);
    let roomy = |end: f64, usual: f64| {
        if (end - usual).abs() > f64::EPSILON {
            end * 1.05
        } else {
            end
        }
    };
    let margins = Margins {
        left: 50.0,
        right: 12.0,
        top: 40.0,
        bottom: 38.0,
    };
    let domain = (roomy(low, 0.0), roomy(high, 1.0));
    Plot::new((400.0, 270.0), margins, (0.0, f64::from(last)), domain)
}

fn draw(plot: &mut Plot, class: &str, subset: Subset, points: &[(u32, f64)]) {
    let mut strokes = Subset::OF_SPLIT.into_iter().zip(STROKES);
    let Some((_, stroke)) = strokes.find(|(known, _)| *known == subset) else {
        return;
    };
    let places: Vec<_> = points.iter().map(|&point| place(plot, point)).collect();
    match places.as_slice() {
        // A line needs two points: one epoch is a dot.
        [only] => plot.canvas.dots(
            &format!("points subset-validation {stroke}"),
            &[*only],
            subset_name(subset),
        ),
        places => plot.canvas.polyline(&format!("{class} {stroke}"), places),
    }
}

/// Tooltips over the points of a curve.
fn add_titles(plot: &mut Plot, fold: u32, subset: Subset, points: &[(u32, f64)]) {
    if points.len() > MOST_TITLED {
        return;
    }
    for &(epoch, found) in points {
        let place = place(plot, (epoch, found));
        let text = format!(
            "{}, fold {fold}, epoch {epoch}: {}",
            subset_name(subset),
            value(Some(found))
        );
        plot.canvas.hover(place, 6.0, &text);
    }
}

fn place(plot: &Plot, (epoch, value): (u32, f64)) -> Point {
    plot.at((f64::from(epoch), value))
}

#[cfg(test)]
mod tests {
    use super::*;
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
        // Loss, top-1, F1 and two separations: two classes have no top-2.
        assert_eq!(marks, [1; 5]);
        assert_eq!(occurrences(&report.page, "<td>selected</td>"), 1);
    }

    #[test]
    fn values_are_in_tooltips_and_in_a_table() {
        let report = report(&study());
        assert!(
            report
                .page
                .contains("<title>training, fold 1, epoch 1: 1.000</title>")
        );
        let (_, numbers) = report
            .page
            .split_once("Numbers of fold 1 by epoch")
            .unwrap();
        let (numbers, _) = numbers.split_once("</details>").unwrap();
        assert!(numbers.contains(">cross-entropy (nats)</th>"));
        assert_eq!(occurrences(numbers, "<th scope=\"row\">"), 4);
    }

    #[test]
    fn the_better_of_training_and_validation_is_explained() {
        let mut study = study();
        assert!(
            report(&study)
                .page
                .contains("training has 0.667 and validation 2.000: the difference is the loss")
        );
        study.edit("histories", |rows: &mut Vec<History>| {
            rows.iter_mut().for_each(|row| row.validation_loss = 0.5);
        });
        assert!(
            report(&study)
                .page
                .contains("training has 0.667 and validation 0.500: training is worse")
        );
    }

    #[test]
    fn the_label_of_the_last_epoch_is_inside_of_the_figure() {
        let mut study = study();
        study.edit("selection", |rows: &mut Vec<Selection>| rows[0].epoch = 3);
        let report = report(&study);
        let figure = report.figures.iter().find(|f| f.name == "curves-loss.svg");
        let svg = &figure.unwrap().svg;
        let (before, _) = svg.split_once(">selected: 3<").unwrap();
        let x = before.rsplit_once("x=\"").unwrap().1;
        let x: f64 = x.split('"').next().unwrap().parse().unwrap();
        // Strong letters of 11 units are at most 7 wide.
        assert!(x + 0.5 * 7.0 * "selected: 3".len() as f64 <= 400.0, "{x}");
    }
}
