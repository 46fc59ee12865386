//! Cross-validation: scores of each fold's network, their mean, and the scores of all validation images together.

use maud::{Markup, html};
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{NONE, count, mean_sd, range, value};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::cross_validated::{CrossValidated, NETWORK, folds_text, value_text};
use crate::page::dot_rows::{DotRow, draw, share};
use crate::page::fold_scores::{FoldScores, epoch_phrase};
use crate::page::metrics::{Differences, Metric};
use crate::page::section::{Content, Context, Section};
use crate::page::tables::reads;
use crate::sections::overview::baselines::at_a_glance;

/// Columns of the table.
const METRICS: [Metric; 4] = [Metric::TOP_1, Metric::TOP_2, Metric::F1, Metric::LOG_LOSS];

reads! {
    /// Tables of the section.
    pub(crate) struct CrossValidationSection {
        annotations: Annotations,
        cross_validation: CrossValidated,
        fold_scores: FoldScores,
        comparisons: Differences,
    }
}

impl Section for CrossValidationSection {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let Some(counts) = self.cross_validation.counts(Subset::Validation) else {
            return Ok(None);
        };
        let selected_by = self.fold_scores.selected_by(NETWORK);
        let figures = vec![self.figure()];
        let body = html! {
            p {
                "Each fold's network is scored on the validation images of the fold, " (epoch_phrase(selected_by)) ". "
                @if selected_by == Some("other folds") {
                    "The highest mean selection score of the other folds decides, so that the scored images have no part in the choice "
                    "of the epoch. "
                }
                "The row “all images” has the images of all folds together, each predicted once: " (count(counts.images)) " in all. "
                @if counts.folds > 1 {
                    "It differs from the mean of the folds where folds differ in size or in their classes."
                }
            }
            (row(&figures))
            (self.table())
            (self.own_epochs())
            (at_a_glance(&self.annotations, &self.cross_validation, &self.comparisons, Subset::Test))
        };
        Ok(Some(Content {
            id: "cross-validation",
            heading: "Cross-validation",
            body,
            figures,
        }))
    }
}

impl CrossValidationSection {
    fn metrics(&self) -> Vec<Metric> {
        let metrics = METRICS.into_iter();
        metrics
            .filter(|metric| self.annotations.is_informative(metric.id))
            .collect()
    }

    fn table(&self) -> Markup {
        let metrics = self.metrics();
        let folds = self.fold_scores.of_model(NETWORK, METRICS[0].id);
        let head = html! {
            tr {
                th scope="col" { "fold" }
                th scope="col" { "epoch" }
                th scope="col" { "images" }
                @if self.annotations.has_authors() { th scope="col" { "authors" } }
                @for metric in &metrics { th scope="col" { (metric.name) } }
            }
        };
        let body = html! {
            @for fold in &folds {
                tr {
                    th scope="row" { (fold.fold) }
                    td { (fold.epoch.map_or_else(|| NONE.to_owned(), |epoch| epoch.to_string())) }
                    td { (count(fold.images)) }
                    @if self.annotations.has_authors() { td { (count(fold.authors)) } }
                    @for metric in &metrics { td { (value(self.of_fold(fold.fold, *metric))) } }
                }
            }
            (self.mean(&metrics))
            (self.pooled(&metrics))
        };
        table(
            "The network by fold, with 95 % intervals of all images. Epochs count from 0",
            &head,
            &body,
        )
    }

    fn of_fold(&self, fold: u32, metric: Metric) -> Option<f64> {
        let rows = self.fold_scores.of_model(NETWORK, metric.id);
        rows.iter()
            .find(|row| row.fold == fold)
            .map(|row| row.value)
    }

    /// Mean and standard deviation of the folds; empty for one fold.
    fn mean(&self, metrics: &[Metric]) -> Markup {
        let found = |metric: &Metric| {
            self.cross_validation
                .find(NETWORK, Subset::Validation, metric.id)
                .and_then(folds_text)
        };
        html! {
            @if metrics.iter().any(|metric| found(metric).is_some()) {
                tr.total {
                    th scope="row" { "mean ± sd" }
                    td {} td {}
                    @if self.annotations.has_authors() { td {} }
                    @for metric in metrics { td { (found(metric).unwrap_or_else(|| NONE.to_owned())) } }
                }
            }
        }
    }

    /// All images together.
    fn pooled(&self, metrics: &[Metric]) -> Markup {
        let found = |metric: &Metric| {
            self.cross_validation
                .find(NETWORK, Subset::Validation, metric.id)
        };
        let counts = self.cross_validation.counts(Subset::Validation);
        html! {
            tr.total {
                th scope="row" { "all images" }
                td {}
                td { (count(counts.map_or(0, |row| row.images))) }
                @if self.annotations.has_authors() { td { (count(counts.map_or(0, |row| row.authors))) } }
                @for metric in metrics {
                    @let row = found(metric);
                    td {
                        (value(row.map(|row| row.value)))
                        @if let Some(ends) = row.and_then(|row| range(row.low, row.high)) { " " small { "(" (ends) ")" } }
                    }
                }
            }
        }
    }

    /// Means in the epochs that each fold selects itself, beside those of the table.
    fn own_epochs(&self) -> Markup {
        let means = self.metrics().into_iter().filter_map(|metric| {
            let folds = self.fold_scores.of_model(NETWORK, metric.id);
            let own = folds
                .iter()
                .map(|row| self.fold_scores.in_own_epoch(NETWORK, row.fold, metric.id));
            let own: Option<Vec<f64>> = own.map(|row| row.map(|row| row.value)).collect();
            let own = own.filter(|values| values.len() > 1)?;
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let others: Vec<f64> = folds.iter().map(|row| row.value).collect();
            Some(format!(
                "{} {} in place of {}",
                metric.name,
                value(Some(mean(&own))),
                value(Some(mean(&others)))
            ))
        });
        let means: Vec<String> = means.collect();
        html! {
            @if self.fold_scores.selected_by(NETWORK) == Some("other folds") && !means.is_empty() {
                p.note {
                    "In the epoch that each fold selects itself, as is common, the mean of the folds is optimistic by the metric that selects: "
                    (means.join(", ")) "."
                }
            }
        }
    }

    fn figure(&self) -> Figure {
        let mut rows = Vec::new();
        let shares = self
            .metrics()
            .into_iter()
            .filter(|metric| *metric != Metric::LOG_LOSS);
        for metric in shares {
            let folds = self.fold_scores.of_model(NETWORK, metric.id);
            let found = self
                .cross_validation
                .find(NETWORK, Subset::Validation, metric.id);
            let of_folds = folds.iter().enumerate().map(|(idx, fold)| DotRow {
                heading: (idx == 0).then(|| metric.name.to_owned()),
                label: format!("fold {}", fold.fold),
                single: vec![fold.value],
                ..DotRow::default()
            });
            rows.extend(of_folds);
            rows.push(DotRow {
                heading: folds.is_empty().then(|| metric.name.to_owned()),
                label: "all images".to_owned(),
                value: found.map(|row| row.value),
                interval: found.and_then(|row| row.low.zip(row.high)),
                color: 1,
                ..DotRow::default()
            });
        }
        let top_1 = self
            .cross_validation
            .find(NETWORK, Subset::Validation, Metric::TOP_1.id);
        let spread = top_1.and_then(|row| Some(mean_sd(row.fold_mean?, row.fold_sd?)));
        let spread = spread.map_or_else(String::new, |spread| {
            format!(" Mean and standard deviation of the folds' top-1: {spread}.")
        });
        Figure {
            name: "cross-validation".to_owned(),
            title: "Scores by fold".to_owned(),
            caption: format!(
                "Rings are the folds' networks on their validation images; the dot is the score of all images together ({} top-1), \
                 with its 95 % interval.{spread}",
                value_text(top_1)
            ),
            canvas: draw(&rows, &share("score")),
        }
    }
}

#[cfg(test)]
mod tests {
    use table_cross_validation::CrossValidation;

    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn each_fold_has_a_row_and_a_ring() {
        let report = report(&study());
        let expected = [
            "in the epoch that the other folds select. The highest mean",
            "<th scope=\"row\">2</th><td>1</td><td>8</td><td>5</td><td>0.700</td>",
            "<th scope=\"row\">mean ± sd</th>",
            "0.600 ± 0.100",
            "top-1 0.625 in place of 0.600",
        ];
        for part in expected {
            assert!(report.page.contains(part), "{part}");
        }
        let mut figures = report.figures.iter();
        let figure = figures.find(|f| f.name == "cross-validation.svg").unwrap();
        // Top-1 and F1 of three folds.
        assert_eq!(occurrences(&figure.svg, "<circle class=\"ring"), 6);
        assert_eq!(occurrences(&figure.svg, "<circle class=\"dot"), 2);
    }

    #[test]
    fn without_results_there_is_no_section() {
        let mut study = study();
        study.edit("cross_validation", |rows: &mut Vec<CrossValidation>| {
            rows.clear()
        });
        assert!(!report(&study).page.contains("id=\"cross-validation\""));
    }
}
