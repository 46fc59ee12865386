//! Scores of the selected network and of random forests on its embeddings, with paired differences.

use maud::{Markup, html};
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{NO_INTERVAL, list, subset_name};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::dot_rows::{DotRow, difference, draw};
use crate::page::metrics::{Difference, Differences, Metric, Verdict, statement};
use crate::page::scores::Scores;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::reads;

/// Metrics of the comparison.
const METRICS: [Metric; 4] = [Metric::TOP_1, Metric::TOP_2, Metric::F1, Metric::LOG_LOSS];

/// Compared models: the first less the second.
const PAIRS: [(&str, &str); 3] = [("network", FOREST), ("network", TUNED), (TUNED, FOREST)];

const FOREST: &str = "forest";
const TUNED: &str = "tuned forest";

reads! {
    /// Tables of the section.
    pub(crate) struct ModelComparison {
        annotations: Annotations,
        scores: Scores,
        model_comparisons: Differences,
    }
}

impl Section for ModelComparison {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let models = self.scores.models();
        let has_forest = models.contains(&FOREST);
        let figures: Vec<Figure> = self.figure().into_iter().collect();
        let body = html! {
            @if has_forest {
                p { (self.introduction()) }
                @for paragraph in self.statements() { p { (paragraph) } }
            }
            (row(&figures))
            (self.table(&models))
            @if self.scores.lacks_intervals() { p.note { (NO_INTERVAL) } }
            @if !figures.is_empty() {
                (self.difference_table())
                p.note {
                    "Differences are of the same images, in the same resamples of " (self.annotations.units()) ", so that what is hard for "
                    "both models cancels. Several metrics and models are compared: of 20 differences that are truly none, one has an interval without 0 by chance. "
                    "All models here are those of the selected fold; another fold or another seed gives others."
                }
            }
        };
        Ok(Some(Content {
            id: "comparison",
            heading: if has_forest {
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
    fn metrics(&self) -> Vec<Metric> {
        let metrics = METRICS.into_iter();
        metrics
            .filter(|metric| self.annotations.is_informative(metric.id))
            .collect()
    }

    fn introduction(&self) -> String {
        let mut text = "The “forest” is a random forest on the selected network's embeddings, with the parameters of the study. ".to_owned();
        if self.scores.models().contains(&TUNED) {
            text.push_str(
                "The “tuned forest” is one with the parameters that a search found best on the validation images; the search has its \
                 own section. ",
            );
        }
        text.push_str(
            "If a forest scores as the network does, the embedding holds the information on the classes; if the network is better, \
             its last layer makes better use of it. Neither is the forest on frozen features, whose features are of a network that \
             was not trained here. Validation images selected the network's epoch and fold, and test images nothing.",
        );
        text
    }

    /// Subsets that models are compared on.
    fn subsets(&self) -> impl Iterator<Item = Subset> {
        [Subset::Validation, Subset::Test].into_iter()
    }

    fn differences(&self, (model, other): (&str, &str), subset: Subset) -> Vec<Difference> {
        let metrics = self.metrics().into_iter();
        metrics
            .filter_map(|metric| self.model_comparisons.find(model, other, subset, metric))
            .collect()
    }

    /// A paragraph for each pair of models.
    fn statements(&self) -> Vec<String> {
        let paragraphs = PAIRS.into_iter().map(|pair| {
            let of_subsets = self.subsets().filter_map(|subset| {
                let differences = self.differences(pair, subset);
                let subject = format!("On {} images, the {}", subset_name(subset), pair.0);
                statement(&subject, &format!("the {}", pair.1), &differences)
            });
            let sentences: Vec<String> = if pair == (TUNED, FOREST) {
                self.search_effect().into_iter().chain(of_subsets).collect()
            } else {
                of_subsets.collect()
            };
            sentences.join(" ")
        });
        paragraphs
            .filter(|paragraph| !paragraph.is_empty())
            .collect()
    }

    /// Effect of the search by the paired intervals on images that it did not use, or on validation images where there are no
    /// others.
    fn search_effect(&self) -> Option<String> {
        let subsets = [Subset::Test, Subset::Validation].into_iter();
        let (subset, differences) = subsets
            .map(|subset| (subset, self.differences((TUNED, FOREST), subset)))
            .find(|(_, differences)| !differences.is_empty())?;
        let metrics = |verdict: Verdict| -> Vec<String> {
            let of = differences.iter().filter(|d| d.verdict() == verdict);
            of.map(|d| format!("{} by {}", d.metric.name, d.text()))
                .collect()
        };
        let changes = [
            ("improved", metrics(Verdict::Better)),
            ("made worse", metrics(Verdict::Worse)),
        ];
        let changes = changes.into_iter().filter(|(_, names)| !names.is_empty());
        let changes: Vec<String> = changes
            .map(|(verb, metrics)| format!("{verb} {}", list(&metrics)))
            .collect();
        let images = subset_name(subset);
        if !changes.is_empty() {
            return Some(format!(
                "On {images} images, the search {}.",
                list(&changes)
            ));
        }
        Some(if metrics(Verdict::Unknown).is_empty() {
            format!("On {images} images, the search changed no score significantly.")
        } else {
            format!("On {images} images, no interval shows whether the search changed a score.")
        })
    }

    fn table(&self, models: &[&str]) -> Markup {
        let head = html! {
            tr { td {} td {} @for model in models { th scope="col" { (model) } } }
        };
        let body = html! {
            @for metric in self.metrics() { @for (idx, subset) in self.scores.subsets().into_iter().enumerate() {
                tr class=[(idx == 0).then_some("first")] {
                    th scope="row" { @if idx == 0 { (metric.name) } }
                    th scope="row" { (subset_name(subset)) }
                    @for model in models { (self.scores.cell(model, subset, metric.id)) }
                }
            } }
        };
        table("Scores with 95 % intervals", &head, &body)
    }

    /// Pairs with differences.
    fn pairs(&self) -> Vec<(&'static str, &'static str)> {
        let has_rows = |pair: &(&'static str, &'static str)| {
            self.subsets()
                .any(|subset| !self.differences(*pair, subset).is_empty())
        };
        PAIRS.into_iter().filter(has_rows).collect()
    }

    fn difference_table(&self) -> Markup {
        let pairs = self.pairs();
        let head = html! {
            tr { td {} td {} @for (model, other) in &pairs { th scope="col" { (model) br; "less " (other) } } }
        };
        let body = html! {
            @for metric in self.metrics() { @for (idx, subset) in self.subsets().enumerate() {
                tr class=[(idx == 0).then_some("first")] {
                    th scope="row" { @if idx == 0 { (metric.name) } }
                    th scope="row" { (subset_name(subset)) }
                    @for (model, other) in &pairs {
                        td {
                            @if let Some(difference) = self.model_comparisons.find(model, other, subset, metric) {
                                (difference.text()) br; small { (difference.verdict().on(model)) }
                            }
                        }
                    }
                }
            } }
        };
        table("Paired differences with 95 % intervals", &head, &body)
    }

    /// Differences of shares; none without differences.
    fn figure(&self) -> Option<Figure> {
        let mut rows = Vec::new();
        for (model, other) in self.pairs() {
            let mut heading = Some(format!("{model} less {other}"));
            for metric in self
                .metrics()
                .into_iter()
                .filter(|metric| *metric != Metric::LOG_LOSS)
            {
                for (color, subset) in self.subsets().enumerate() {
                    let Some(found) = self.model_comparisons.find(model, other, subset, metric)
                    else {
                        continue;
                    };
                    rows.push(DotRow {
                        heading: heading.take(),
                        label: format!("{}, {}", metric.name, subset_name(subset)),
                        value: Some(found.value),
                        interval: found.interval,
                        color,
                        ..DotRow::default()
                    });
                }
            }
        }
        (!rows.is_empty()).then(|| Figure {
            name: "comparison".to_owned(),
            title: "Differences of the models".to_owned(),
            caption: "Paired differences with 95 % intervals; right of the line, the first model is better. Where an interval crosses \
                      the line, the difference is not significant."
                .to_owned(),
            canvas: draw(&rows, &difference("difference of scores")),
        })
    }
}

#[cfg(test)]
mod tests {
    use table_comparisons::Comparison;
    use table_scores::Score;

    use super::*;
    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn models_are_compared_by_their_differences() {
        let report = report(&study());
        let expected = [
            "On validation images, the network is not significantly different from the forest in top-1 (0.000, −0.100 to +0.100)",
            "<small>not significant</small>",
        ];
        for part in expected {
            assert!(report.page.contains(part), "{part}");
        }
        let mut figures = report.figures.iter();
        let figure = figures.find(|f| f.name == "comparison.svg").unwrap();
        // Top-1 and F1, validation and test images.
        assert_eq!(occurrences(&figure.svg, "<circle class=\"dot"), 4);
    }

    #[test]
    fn the_effect_of_the_search_has_an_interval() {
        let mut study = study();
        study.edit("scores", |rows: &mut Vec<Score>| {
            let forest = rows.iter().filter(|row| row.model == FOREST);
            let tuned = forest.map(|row| Score {
                model: TUNED.to_owned(),
                value: Some(if row.metric == "log_loss" { 0.8 } else { 0.7 }),
                ..row.clone()
            });
            rows.extend(tuned.collect::<Vec<_>>());
        });
        study.edit("model_comparisons", |rows: &mut Vec<Comparison>| {
            let tuned = rows.iter().map(|row| {
                // A higher loss is worse.
                let sign = if row.metric == "log_loss" { 1.0 } else { -1.0 };
                Comparison {
                    model: TUNED.to_owned(),
                    difference: sign * 0.05,
                    low: Some(sign * 0.05 - 0.03),
                    high: Some(sign * 0.05 + 0.03),
                    ..row.clone()
                }
            });
            rows.extend(tuned.collect::<Vec<_>>());
        });
        let page = report(&study).page;
        assert!(
            page.contains(
                "On test images, the search made worse top-1 by −0.050 (−0.080 to −0.020)"
            )
        );
        assert!(page.contains("On test images, the tuned forest is worse than the forest in top-1 (−0.050, −0.080 to −0.020)"));
        // Lower scores with intervals that hold 0 are no effect.
        study.edit("model_comparisons", |rows: &mut Vec<Comparison>| {
            let tuned = rows.iter_mut().filter(|row| row.model == TUNED);
            tuned.for_each(|row| (row.low, row.high) = (Some(-0.1), Some(0.1)));
        });
        let page = report(&study).page;
        assert!(page.contains("On test images, the search changed no score significantly."));
        assert!(!page.contains("the search made worse"));
    }

    #[test]
    fn a_score_without_an_interval_has_a_reason() {
        let mut study = study();
        assert!(report(&study).page.contains(NO_INTERVAL));
        study.edit("scores", |rows: &mut Vec<Score>| {
            rows.iter_mut().for_each(|row| row.high = Some(0.9))
        });
        assert!(!report(&study).page.contains(NO_INTERVAL));
    }
}
