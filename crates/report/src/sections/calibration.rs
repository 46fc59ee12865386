//! Calibration of the predicted probabilities.

mod diagram;

use maud::{Markup, html};
use table_calibrations::Calibration;
use table_reliabilities::Reliability;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{
    count, counted, list, percent, range, ranged, signed, signed_range, subset_name, value,
};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Model, method, and the method in text.
const VARIANTS: [(&str, &str, &str); 5] = [
    ("network", "none", "uncalibrated"),
    ("network", "temperature", "temperature scaling"),
    ("forest", "none", "uncalibrated"),
    ("forest", "platt", "Platt scaling"),
    ("forest", "isotonic", "isotonic regression"),
];

const SUBSETS: [Subset; 2] = [Subset::Validation, Subset::Test];

reads! {
    /// Tables of the section.
    pub(crate) struct Calibrations {
        annotations: Annotations,
        calibrations: Rows<Calibration>,
        reliabilities: Rows<Reliability>,
    }
}

impl Section for Calibrations {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let figures = self.figures();
        let body = html! {
            p {
                "Probabilities are calibrated if they equal frequencies: of all images that a model predicts with a confidence of 80\u{a0}%, it is "
                "right on 80\u{a0}%. The expected calibration error (ECE) is the mean difference of the two; the log-loss is high "
                "for confident errors. Lower is better for both. "
                (self.fitting())
            }
            @for paragraph in self.paragraphs() { p { (paragraph) } }
            (row(&figures))
            (table(&format!("Metrics of the probabilities, images with equal weights, with 95 % intervals by the variation between {}", self.annotations.units()), &head(), &self.body()))
            p.note {
                "The column “wrong” has the number of images whose class was not predicted; where there are too few images, or too few of them "
                "wrong or right ("
                code { "calibrate.min_images" } ", " code { "calibrate.min_errors" }
                "), nothing is concluded. The column “by chance” has the ECE of a perfectly calibrated model of the same confidences with the range of "
                "95\u{a0}% of such models: with few images, chance alone raises ECE. In the resampled images of an interval, chance raises it "
                "further. Classwise ECE is the calibration error of all classes' probabilities, not of the first guess alone; the Brier score is "
                "their squared distance from the true class. The change of the log-loss is that by the method, paired by image."
            }
        };
        Ok(Some(Content {
            id: "calibration",
            heading: "Calibration",
            body,
            figures,
        }))
    }
}

impl Calibrations {
    fn find<'a>(&'a self, model: &str, method: &str, subset: Subset) -> Option<&'a Calibration> {
        let mut rows = self.calibrations.iter();
        rows.find(|row| {
            (row.model.as_str(), row.method.as_str(), row.subset) == (model, method, subset)
        })
    }

    /// Diagrams of the validation images, and of test images where there are enough.
    fn figures(&self) -> Vec<Figure> {
        let variants = VARIANTS
            .iter()
            .flat_map(|variant| SUBSETS.map(|subset| (variant, subset)));
        let shown = variants.filter_map(|((model, method, name), subset)| {
            let row = self.find(model, method, subset)?;
            if subset == Subset::Test && !row.judged {
                return None;
            }
            let bins = self.reliabilities.iter().filter(|bin| {
                (bin.model.as_str(), bin.method.as_str(), bin.subset) == (model, method, subset)
            });
            Some(diagram::figure(row, &bins.collect::<Vec<_>>(), name))
        });
        shown.collect()
    }

    /// The images that calibrators were fitted to.
    fn fitting(&self) -> String {
        let network = self.find("network", "temperature", Subset::Validation);
        let forest = self.find("forest", "platt", Subset::Validation);
        let mut sentences: Vec<String> = Vec::new();
        sentences.extend(network.map(|row| match (row.folds, row.calibrators) {
            (2.., 2..) => {
                "The network's temperature for the validation images of a fold was fitted to those of the other folds: no image is evaluated by a \
                 calibrator that has seen it. Networks of the folds, and the selected one among them, share the temperature fitted to all of them."
                    .to_owned()
            }
            _ => format!("The network's temperature {}", self.of_one_fold(row)),
        }));
        sentences.extend(forest.map(|row| {
            format!(
                "The forest's calibration {} Where these images selected the epoch or the fold of the network whose embedding the \
                 forest reads, the forest's metrics on them are optimistic.",
                self.of_one_fold(row)
            )
        }));
        let mut rows = self.calibrations.iter();
        let tested = rows.find(|row| row.subset == Subset::Test);
        sentences.extend(
            tested.map(|_| {
                "Test images are calibrated by what all validation images give.".to_owned()
            }),
        );
        let ensemble = self.find("network", "temperature", Subset::Test);
        sentences.extend(ensemble.filter(|row| row.folds > 1).map(|_| {
            "The ensemble that predicts them is less confident than a network of a fold, so that the networks' temperature suits it less; no \
             image is left to fit another."
                .to_owned()
        }));
        sentences.join(" ")
    }

    /// Predicate on the calibrators of a single fold's images.
    fn of_one_fold(&self, row: &Calibration) -> String {
        if row.calibrators > 1 {
            format!(
                "was fitted, for each of {} groups of {}, to the validation images of the other groups in the selected fold.",
                row.calibrators,
                if self.annotations.has_authors() {
                    "authors"
                } else {
                    "images"
                }
            )
        } else {
            "was fitted to the validation images that it is evaluated on, which are all of one author: its metrics on them are optimistic."
                .to_owned()
        }
    }

    /// Confidence of each model and effect of its calibration: a paragraph a model and subset.
    fn paragraphs(&self) -> Vec<String> {
        let methods: [(&str, &[(&str, &str)]); 2] = [
            ("network", &[("temperature", "Temperature scaling")]),
            (
                "forest",
                &[
                    ("platt", "Platt scaling"),
                    ("isotonic", "Isotonic regression"),
                ],
            ),
        ];
        let mut paragraphs = Vec::new();
        for (model, methods) in methods {
            for subset in SUBSETS {
                let Some(before) = self.find(model, "none", subset) else {
                    continue;
                };
                let mut sentences = vec![verdict(before)];
                if before.judged {
                    sentences.extend(chance(before));
                    sentences.extend(methods.iter().filter_map(|(method, name)| {
                        Some(effect(before, self.find(model, method, subset)?, name))
                    }));
                }
                paragraphs.push(sentences.join(" "));
            }
            let (method, _) = methods[0];
            paragraphs.extend(self.unseen(model, method));
        }
        if paragraphs.is_empty() {
            paragraphs.push("There are no images to evaluate calibration on.".to_owned());
        }
        paragraphs
    }

    /// Classes that calibrators have not seen.
    fn unseen(&self, model: &str, method: &str) -> Option<String> {
        let row = self.find(model, method, Subset::Validation)?;
        (!row.unseen_classes.is_empty()).then(|| {
            format!(
                "Calibrators of the {model} were fitted without an image of {}: how well its probabilities are calibrated for such images is unknown.",
                list(&row.unseen_classes)
            )
        })
    }

    fn body(&self) -> Markup {
        let rows = VARIANTS.iter().flat_map(|variant| {
            let (model, method, _) = variant;
            let rows = SUBSETS
                .into_iter()
                .filter_map(|subset| self.find(model, method, subset));
            rows.enumerate().map(move |(idx, row)| (variant, idx, row))
        });
        html! {
            @for ((model, _, name), idx, row) in rows {
                tr class=[(idx == 0).then_some("first")] {
                    th scope="row" { @if idx == 0 { (model) ", " (name) @if let Some(t) = row.temperature { " " (format!("{t:.2}")) } } }
                    th scope="row" { (subset_name(row.subset)) }
                    td { (count(row.n)) }
                    td { (count(row.errors)) }
                    td { (with_interval(Some(row.ece), row.ece_low, row.ece_high)) }
                    td { (with_interval(row.ece_by_chance, row.ece_by_chance_low, row.ece_by_chance_high)) }
                    td { (value(Some(row.classwise_ece))) }
                    td { (value(Some(row.brier))) }
                    td { (with_interval(Some(row.log_loss), row.log_loss_low, row.log_loss_high)) }
                    @let (change, ends) = change(row);
                    td { (change) @if !ends.is_empty() { " " small { (ends) } } }
                    td { (value(Some(row.confidence))) }
                    td { (value(Some(row.accuracy))) }
                }
            }
        }
    }
}

fn head() -> Markup {
    html! {
        tr {
            th scope="col" { "model" } td {}
            th scope="col" { "images" } th scope="col" { "wrong" } th scope="col" { "ECE" } th scope="col" { "by chance" }
            th scope="col" { "classwise ECE" } th scope="col" { "Brier" } th scope="col" { "log-loss" } th scope="col" { "change" }
            th scope="col" { "confidence" } th scope="col" { "accuracy" }
        }
    }
}

/// A value with its interval in small.
fn with_interval(number: Option<f64>, low: Option<f64>, high: Option<f64>) -> Markup {
    html! { (value(number)) @if let Some(ends) = range(low, high) { " " small { "(" (ends) ")" } } }
}

/// Change of the log-loss, and its interval in parentheses; empty where there is none.
fn change(row: &Calibration) -> (String, String) {
    let change = row.log_loss_change.map_or_else(String::new, signed);
    let ends = row.log_loss_change_low.zip(row.log_loss_change_high);
    let ends = ends.map_or_else(String::new, |ends| format!("({})", signed_range(ends)));
    (change, ends)
}

/// Mean confidence against accuracy, as far as the images show a difference.
fn verdict(row: &Calibration) -> String {
    let (model, subset) = (&row.model, subset_name(row.subset));
    if !row.judged {
        return format!(
            "The {model}'s {} {subset} images, of which {} are wrong, are too few for a statement on its calibration.",
            count(row.n),
            count(row.errors)
        );
    }
    let excess = signed(row.excess_confidence);
    let verdict = match row.excess_confidence_low.zip(row.excess_confidence_high) {
        None => format!("the difference of {excess} has no interval"),
        Some(range) => {
            let verdict = match range {
                (low, _) if low > 0.0 => "it is overconfident",
                (_, high) if high < 0.0 => "it is underconfident",
                _ => "neither over- nor underconfidence is shown",
            };
            format!("{verdict} (difference {excess}, {})", signed_range(range))
        }
    };
    format!(
        "On {} {subset} images, the mean confidence of the {model} is {}, and its accuracy {}: {verdict}.",
        count(row.n),
        percent(row.confidence),
        percent(row.accuracy)
    )
}

/// ECE against that of perfectly calibrated models.
fn chance(row: &Calibration) -> Option<String> {
    let high = row.ece_by_chance_high?;
    let range = ranged(row.ece_by_chance, row.ece_by_chance_low, Some(high));
    let verdict = if row.ece > high {
        "more than chance explains"
    } else {
        "no more than chance explains"
    };
    Some(format!(
        "Its ECE is {}: {verdict}, since a perfectly calibrated {} of the same confidences would have {range} on {}.",
        value(Some(row.ece)),
        row.model,
        counted(row.n as usize, "image")
    ))
}

/// Effect of a method on the log-loss.
fn effect(before: &Calibration, after: &Calibration, name: &str) -> String {
    let parameter = match (
        after.temperature,
        after.temperature_min,
        after.temperature_max,
    ) {
        (Some(t), Some(low), Some(high)) if high > low => {
            format!(" (T = {t:.2}, without a fold or group {low:.2} to {high:.2})")
        }
        (Some(t), ..) => format!(" (T = {t:.2})"),
        _ => String::new(),
    };
    let verdict = match after.log_loss_change_low.zip(after.log_loss_change_high) {
        None => "the difference has no interval",
        Some((_, high)) if high < 0.0 => "an improvement",
        Some((low, _)) if low > 0.0 => "a deterioration",
        Some(_) => "no difference is shown",
    };
    let (change, ends) = change(after);
    let change = [change, ends].join(" ");
    format!(
        "{name}{parameter} changes the log-loss by {}: {verdict}; the ECE goes from {} to {}.",
        change.trim_end(),
        value(Some(before.ece)),
        value(Some(after.ece))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn confidence_is_judged_where_there_are_enough_images() {
        let report = report(&study());
        let expected = [
            "On 400 validation images, the mean confidence of the network is 75\u{a0}%, and its accuracy 50\u{a0}%: it is \
             overconfident (difference +0.250, +0.180 to +0.320).",
            "Its ECE is 0.250: more than chance explains, since a perfectly calibrated network of the same confidences would \
             have 0.050 (0.03–0.08) on 400 images.",
            "Temperature scaling (T = 1.50, without a fold or group 1.40 to 1.60) changes the log-loss by −0.100 (−0.150 to \
             −0.050): an improvement; the ECE goes from 0.250 to 0.125.",
            "The network's 8 test images, of which 4 are wrong, are too few for a statement on its calibration.",
            "Platt scaling changes the log-loss by",
            "Where these images selected the epoch or the fold of the network",
        ];
        for sentence in expected {
            assert!(report.page.contains(sentence), "{sentence}");
        }
        let figures = report.figures.iter();
        let diagrams = figures.filter(|f| f.name.starts_with("reliability-"));
        // No diagram of the few test images. A dot for the bin with images, one in the legend, and two for the sizes.
        let dots: Vec<usize> = diagrams
            .map(|f| occurrences(&f.svg, "<circle class=\"dot"))
            .collect();
        assert_eq!(dots, [4; 5]);
    }

    #[test]
    fn a_difference_that_may_be_none_is_no_verdict() {
        let mut study = study();
        study.edit("calibrations", |rows: &mut Vec<Calibration>| {
            for row in rows {
                row.excess_confidence_low = Some(-0.01);
                row.log_loss_change_high = row.log_loss_change.map(|_| 0.01);
                row.ece_by_chance_high = Some(0.3);
            }
        });
        let page = report(&study).page;
        assert!(!page.contains("it is overconfident") && !page.contains("an improvement"));
        assert!(page.contains("neither over- nor underconfidence is shown"));
        assert!(page.contains("no more than chance explains"));
        assert!(page.contains("no difference is shown"));
    }

    #[test]
    fn classes_that_no_calibrator_saw_are_named() {
        let mut study = study();
        study.edit("calibrations", |rows: &mut Vec<Calibration>| {
            let calibrated = rows.iter_mut().filter(|row| row.method != "none");
            calibrated.for_each(|row| row.unseen_classes = vec!["photo".to_owned()]);
        });
        let page = report(&study).page;
        assert!(page.contains("Calibrators of the network were fitted without an image of photo"));
        assert!(
            !report(&self::study())
                .page
                .contains("fitted without an image")
        );
    }

    #[test]
    fn a_single_fold_is_divided_by_author_or_said_to_be_optimistic() {
        let with_calibrators = |n| {
            let mut study = study();
            study.edit("calibrations", |rows: &mut Vec<Calibration>| {
                let calibrated = rows.iter_mut().filter(|row| row.method != "none");
                calibrated.for_each(|row| (row.folds, row.calibrators) = (1, n));
            });
            report(&study).page
        };
        assert!(with_calibrators(5).contains(
            "The network's temperature was fitted, for each of 5 groups of authors, to the validation images of the other groups"
        ));
        assert!(with_calibrators(1).contains("its metrics on them are optimistic"));
    }
}
