//! Calibration of the predicted probabilities.

use maud::{Markup, html};
use table_calibrations::Calibration;
use table_reliabilities::Reliability;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{NONE, count, counted, percent, subset_name, value};
use crate::draw::plot::{Margins, Plot};
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

/// Subsets with their colors: the one that calibrators are fitted to, and the one on which they are evaluated.
const SUBSETS: [(Subset, &str, &str); 2] = [
    (Subset::Validation, "stroke-0", "fill-0"),
    (Subset::Test, "stroke-1", "fill-1"),
];

/// Largest difference of confidence and accuracy that counts as calibrated.
const ALIKE: f64 = 0.02;

/// Number of images below which a calibration supports no conclusion.
const FEW: u32 = 30;

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
        let shown = || {
            VARIANTS
                .iter()
                .filter(|(model, method, _)| self.is_known(model, method))
        };
        let figures: Vec<Figure> = shown()
            .map(|(model, method, name)| self.figure(model, method, name))
            .collect();
        let body = html! {
            p {
                "Probabilities are calibrated if they equal frequencies: of all images that a model predicts with a confidence of 80\u{a0}%, it is "
                "right on 80\u{a0}%. The expected calibration error (ECE) is the mean difference of the two; the log-loss is high "
                "for confident errors. Lower is better for both. The calibration methods were fitted to validation "
                "images"
                @if self.calibrations.iter().any(|row| row.subset == Subset::Test) {
                    " and are evaluated on test images."
                } @else {
                    ", and there is no test set to evaluate them: their scores are better than on new images."
                }
            }
            @for paragraph in self.paragraphs() { p { (paragraph) } }
            (row(&figures))
            (table(&format!("Metrics of the probabilities, images with equal weights, with 95 % intervals by bootstrap over {}", self.annotations.units()), &head(), &self.body()))
            p.note {
                "Classwise ECE is the calibration error of all classes' probabilities, not of the first guess alone; the Brier score is "
                "their squared distance from the true class. With few images, chance alone raises ECE. The column “by chance” has the "
                "ECE of a perfectly calibrated model of the same confidences; in the resampled images of the interval, chance raises it further."
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
    fn is_known(&self, model: &str, method: &str) -> bool {
        let mut rows = self.calibrations.iter();
        rows.any(|row| row.model == model && row.method == method)
    }

    fn find<'a>(&'a self, model: &str, method: &str, subset: Subset) -> Option<&'a Calibration> {
        let mut rows = self.calibrations.iter();
        rows.find(|row| {
            (row.model.as_str(), row.method.as_str(), row.subset) == (model, method, subset)
        })
    }

    /// Bins with images.
    fn bins<'a>(
        &'a self,
        model: &str,
        method: &str,
        subset: Subset,
    ) -> impl Iterator<Item = &'a Reliability> {
        let rows = self.reliabilities.iter().filter(|row| row.n > 0);
        rows.filter(move |row| {
            (row.model.as_str(), row.method.as_str(), row.subset) == (model, method, subset)
        })
    }

    /// Mean confidence of the images.
    fn confidence(&self, model: &str, method: &str, subset: Subset) -> Option<f64> {
        let bins = || self.bins(model, method, subset);
        let n: f64 = bins().map(|bin| f64::from(bin.n)).sum();
        let sum: f64 = bins()
            .filter_map(|bin| Some(f64::from(bin.n) * bin.confidence?))
            .sum();
        (n > 0.0).then(|| sum / n)
    }

    /// Confidence of each model and effect of its calibration: a paragraph a model.
    fn paragraphs(&self) -> Vec<String> {
        let evaluated = [Subset::Test, Subset::Validation]
            .into_iter()
            .find(|subset| self.find("network", "none", *subset).is_some());
        let Some(subset) = evaluated else {
            return vec!["There are no images to evaluate calibration on.".to_owned()];
        };
        let network = vec![
            self.verdict("network", subset),
            self.effect("network", "temperature", subset, "Temperature scaling"),
            self.chance(subset),
        ];
        let forest = vec![
            self.verdict("forest", subset),
            self.effect("forest", "platt", subset, "Platt scaling"),
            self.effect("forest", "isotonic", subset, "Isotonic regression"),
        ];
        let paragraphs = [network, forest].map(|sentences| {
            let sentences: Vec<String> = sentences.into_iter().flatten().collect();
            sentences.join(" ")
        });
        let has_text = |paragraph: &String| !paragraph.is_empty();
        paragraphs.into_iter().filter(has_text).collect()
    }

    fn verdict(&self, model: &str, subset: Subset) -> Option<String> {
        let right = self.find(model, "none", subset)?.top1;
        let sure = self.confidence(model, "none", subset)?;
        let verdict = match sure - right {
            gap if gap > ALIKE => "it is overconfident",
            gap if gap < -ALIKE => "it is underconfident",
            _ => "on average, it is calibrated",
        };
        let mut text = format!(
            "On {} images, the mean confidence of the {model} is {}, and its accuracy {}: {verdict}.",
            subset_name(subset),
            percent(sure),
            percent(right)
        );
        let n = self.find(model, "none", subset)?.n;
        if right >= 1.0 {
            text.push_str(&format!(
                " With all {} right, any higher confidence looks better calibrated: these images cannot show overconfidence.",
                counted(n as usize, "image")
            ));
        } else if n < FEW {
            text.push_str(&format!(
                " {} are too few for a conclusion.",
                counted(n as usize, "image")
            ));
        }
        Some(text)
    }

    fn effect(&self, model: &str, method: &str, subset: Subset, name: &str) -> Option<String> {
        let before = self.find(model, "none", subset)?;
        let after = self.find(model, method, subset)?;
        let verdict = match (after.ece < before.ece, after.log_loss < before.log_loss) {
            (true, true) => "better by both",
            (false, false) => "no better by either",
            (true, false) => "better by ECE alone",
            (false, true) => "better by log-loss alone",
        };
        let parameter = after
            .temperature
            .map_or(String::new(), |t| format!(" with T = {t:.2}"));
        Some(format!(
            "{name}{parameter} changes the {model}'s ECE from {} to {} and its log-loss from {} to {}: {verdict}.",
            value(Some(before.ece)),
            value(Some(after.ece)),
            value(Some(before.log_loss)),
            value(Some(after.log_loss))
        ))
    }

    /// ECE of a perfectly calibrated network on as few images.
    fn chance(&self, subset: Subset) -> Option<String> {
        let before = self.find("network", "none", subset)?;
        let after = self.find("network", "temperature", subset)?;
        Some(format!(
            "On {}, perfectly calibrated networks of the same confidences would have an ECE of {} before and {} after the scaling, by \
             chance: an ECE of that size is no evidence of miscalibration.",
            counted(after.n as usize, "image"),
            value(Some(before.ece_by_chance?)),
            value(Some(after.ece_by_chance?))
        ))
    }

    fn body(&self) -> Markup {
        let rows = VARIANTS.iter().flat_map(|variant| {
            let (model, method, _) = variant;
            let rows = SUBSETS
                .iter()
                .filter_map(|(subset, ..)| self.find(model, method, *subset));
            rows.enumerate().map(move |(idx, row)| (variant, idx, row))
        });
        html! {
            @for ((model, method, name), idx, row) in rows {
                tr class=[(idx == 0).then_some("first")] {
                    th scope="row" { @if idx == 0 && *method == "none" { (model) } }
                    th scope="row" { @if idx == 0 { (name) @if let Some(t) = row.temperature { " " (format!("{t:.2}")) } } }
                    th scope="row" { (subset_name(row.subset)) }
                    td { (count(row.n)) }
                    (cell(row.ece, row.ece_low, row.ece_high))
                    td { (value(row.ece_by_chance)) }
                    td { (value(Some(row.classwise_ece))) }
                    td { (value(Some(row.brier))) }
                    (cell(row.log_loss, row.log_loss_low, row.log_loss_high))
                    td { (value(Some(row.top1))) }
                }
            }
        }
    }

    fn figure(&self, model: &str, method: &str, name: &str) -> Figure {
        let margins = Margins {
            left: 54.0,
            right: 16.0,
            top: 30.0,
            bottom: 38.0,
        };
        let mut plot = Plot::new((360.0, 340.0), margins, (0.0, 1.0), (0.0, 1.0));
        plot.draw_y_axis();
        plot.draw_x_axis("confidence", 0.2, false);
        plot.canvas
            .turned_text("muted middle", (14.0, plot.y.at(0.5)), -90.0, "accuracy");
        let ends = [(0.0, 0.0), (1.0, 1.0)].map(|end| plot.at(end));
        plot.canvas.line("chance", ends[0], ends[1]);
        for (subset, _, fill) in SUBSETS {
            let bins: Vec<_> = self.bins(model, method, subset).collect();
            draw(&mut plot, &bins, fill);
        }
        let shown = SUBSETS
            .iter()
            .filter(|(subset, ..)| self.find(model, method, *subset).is_some());
        let entries: Vec<(String, &str)> = shown
            .map(|(subset, stroke, _)| (format!("curve {stroke}"), subset_name(*subset)))
            .collect();
        let entries: Vec<(&str, &str)> = entries
            .iter()
            .map(|(c, name)| (c.as_str(), *name))
            .collect();
        plot.draw_legend(&entries);
        Figure {
            name: format!("reliability-{model}-{method}"),
            title: format!("Reliability diagram of the {model}, {name}"),
            caption: self.caption(model, method),
            canvas: plot.canvas,
        }
    }

    fn caption(&self, model: &str, method: &str) -> String {
        let ece = |subset| value(self.find(model, method, subset).map(|row| row.ece));
        let meaning = match method {
            "none" => {
                "Accuracy by confidence of the first guess; larger dots have more images. Below the dotted line the model is \
             overconfident, above it underconfident."
            }
            _ => {
                "Dots should be closer to the dotted line than without calibration, above all the large ones of test images: \
             the method was fitted to validation images."
            }
        };
        let eces: Vec<String> = SUBSETS
            .iter()
            .map(|(subset, ..)| (subset_name(*subset), ece(*subset)))
            .filter(|(_, ece)| ece != NONE)
            .map(|(named, ece)| format!("{named} {ece}"))
            .collect();
        format!("{meaning} ECE: {}.", eces.join(", "))
    }
}

fn head() -> Markup {
    html! {
        tr {
            td {} td {} td {}
            th scope="col" { "images" } th scope="col" { "ECE" } th scope="col" { "by chance" } th scope="col" { "classwise ECE" }
            th scope="col" { "Brier" } th scope="col" { "log-loss" } th scope="col" { "accuracy" }
        }
    }
}

fn cell(figure: f64, low: Option<f64>, high: Option<f64>) -> Markup {
    let range = low
        .zip(high)
        .map(|(low, high)| format!("({low:.2}–{high:.2})"));
    html! { td { (value(Some(figure))) @if let Some(range) = range { " " small { (range) } } } }
}

/// A dot for each bin, with an area by the bin's share of the images.
fn draw(plot: &mut Plot, bins: &[&Reliability], fill: &str) {
    let n: f64 = bins.iter().map(|bin| f64::from(bin.n)).sum();
    for bin in bins {
        if let (Some(confidence), Some(accuracy)) = (bin.confidence, bin.accuracy) {
            let radius = 1.5 + 14.0 * (f64::from(bin.n) / n).sqrt();
            let at = plot.at((confidence, accuracy));
            plot.canvas.circle(&format!("dot {fill}"), at, radius);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn images_that_are_all_right_show_no_overconfidence() {
        let mut study = study();
        study.edit("calibrations", |rows: &mut Vec<Calibration>| {
            rows.iter_mut().for_each(|row| row.top1 = 1.0)
        });
        assert!(
            report(&study)
                .page
                .contains("With all 8 images right, any higher confidence")
        );
    }

    #[test]
    fn confidence_is_evaluated_on_test_images() {
        let report = report(&study());
        let expected = [
            "On test images, the mean confidence of the network is 75\u{a0}%, and its accuracy 50\u{a0}%: it is \
             overconfident.",
            "Temperature scaling with T = 1.50 changes the network's ECE from 0.250 to 0.125 and its log-loss from \
             1.000 to 1.000: better by ECE alone.",
            "Platt scaling changes the forest's ECE",
            "overconfident. 8 images are too few for a conclusion.",
            "On 8 images, perfectly calibrated networks of the same confidences would have an ECE of 0.200 before and 0.200 after the \
             scaling",
        ];
        for sentence in expected {
            assert!(report.page.contains(sentence), "{sentence}");
        }
        let figures = report.figures.iter();
        let diagrams = figures.filter(|f| f.name.starts_with("reliability-"));
        // A dot for each subset: the lower bin has no images.
        let dots: Vec<usize> = diagrams
            .map(|f| occurrences(&f.svg, "<circle class=\"dot"))
            .collect();
        assert_eq!(dots, [2; 5]);
    }
}
