//! The main metrics as text.

use std::collections::BTreeSet;

use metrics::cross_validation::SelectedBy;
use metrics::text::signed;
use numeric::interval_text;
use table_comparisons::Comparison;
use table_cross_validation::CrossValidation;
use table_optimism::Optimism;
use table_selection::Selection;
use tables::Subset;

use crate::baselines::PROBES;
use crate::network::{NETWORK, SELECTED};

/// Metrics of the summary, by name in tables and in the text.
const METRICS: [(&str, &str); 2] = [("top2", "top-2"), ("top1", "top-1")];

/// Tables that the summary is made of.
pub(crate) struct Summary<'a> {
    pub(crate) table: &'a [CrossValidation],
    pub(crate) comparisons: &'a [Comparison],
    pub(crate) optimism: &'a [Optimism],
    pub(crate) selection: &'a Selection,
    pub(crate) selected_by: SelectedBy,
}

impl Summary<'_> {
    /// Lines on the cross-validated network, the test set, the selected network, the baselines, and the comparison with
    /// the probes.
    pub(crate) fn text(&self) -> String {
        let lines = [
            self.cross_validated(),
            self.test(),
            self.selected(),
            self.baselines(),
        ];
        let lines = lines.into_iter().flatten().chain(self.against_probes());
        lines.map(|line| line + "\n").collect()
    }

    fn row(&self, model: &str, subset: Subset, metric: &str) -> Option<&CrossValidation> {
        let mut rows = self.table.iter();
        rows.find(|row| {
            (row.model.as_str(), row.subset, row.metric.as_str()) == (model, subset, metric)
        })
    }

    /// The metrics of a model as texts that `cell` makes of rows.
    fn cells(
        &self,
        model: &str,
        subset: Subset,
        cell: impl Fn(&CrossValidation) -> String,
    ) -> Vec<String> {
        let cells = METRICS.iter().filter_map(|(metric, title)| {
            let row = self.row(model, subset, metric)?;
            Some(format!("{title} {}", cell(row)))
        });
        cells.collect()
    }

    fn cross_validated(&self) -> Option<String> {
        let any = self.row(NETWORK, Subset::Validation, "top1")?;
        let cells = self.cells(NETWORK, Subset::Validation, |row| {
            let folds = row.fold_mean.zip(row.fold_sd);
            let folds = folds.map(|(mean, sd)| format!(", {mean:.3} ± {sd:.3} over folds"));
            value(row) + &folds.unwrap_or_default()
        });
        let by = match self.selected_by {
            SelectedBy::OtherFolds => "each in the epoch that the other folds select",
            SelectedBy::OwnFold => "in the epoch that these images select: optimistic",
            SelectedBy::Nothing => "each after the last epoch",
        };
        let title = match any.folds {
            1 => "one fold".to_owned(),
            folds => format!("cross-validated, {folds} folds"),
        };
        Some(format!(
            "{title}: {}; {} images, {} authors, {by}",
            cells.join("; "),
            any.images,
            any.authors
        ))
    }

    fn test(&self) -> Option<String> {
        let any = self.row(NETWORK, Subset::Test, "top1")?;
        let by_ensemble = self.cells(NETWORK, Subset::Test, value);
        let by_selected = self.cells(SELECTED, Subset::Test, value);
        let networks = match any.folds {
            1 => "the network of the fold".to_owned(),
            folds => format!("the ensemble of {folds} networks"),
        };
        Some(format!(
            "test: {} by {networks}; {} by the selected network; {} images, {} authors",
            by_ensemble.join(", "),
            by_selected.join(", "),
            any.images,
            any.authors
        ))
    }

    fn selected(&self) -> Option<String> {
        let cells = METRICS.iter().filter_map(|(metric, title)| {
            let row = self.row(SELECTED, Subset::Validation, metric)?;
            let optimistic = self.optimism(metric).unwrap_or_default();
            Some(format!("{title} {:.3}{optimistic}", row.value))
        });
        let cells: Vec<String> = cells.collect();
        let Selection { fold, epoch, .. } = self.selection;
        (!cells.is_empty()).then(|| {
            format!(
                "selected network, fold {fold}, epoch {epoch}: validation {}",
                cells.join("; ")
            )
        })
    }

    fn optimism(&self, metric: &str) -> Option<String> {
        let part = |part: &str| {
            let mut rows = self.optimism.iter();
            let row = rows.find(|row| row.metric == metric && row.part == part);
            row.map(|row| row.value)
        };
        let [total, epoch, fold] = ["total", "epoch", "fold"].map(part);
        let (total, parts) = (total?, [("epoch", epoch?), ("fold", fold?)]);
        let parts = parts.map(|(name, part)| format!("{name} {}", signed(part)));
        let parts = parts.join(", ");
        Some(if total > 0.0 {
            format!(", optimistic by {total:.3} ({parts})")
        } else {
            format!(", {} from the mean of the folds ({parts})", signed(total))
        })
    }

    /// The weakest first. Backbones are named if there are several.
    fn baselines(&self) -> Option<String> {
        let backbones = self.table.iter().filter_map(|row| row.features.as_ref());
        let is_one = backbones.collect::<BTreeSet<_>>().len() < 2;
        let on = |row: &CrossValidation| match &row.features {
            Some(features) if !is_one => format!(" on {features}"),
            _ => String::new(),
        };
        let mut lines = Vec::new();
        for (metric, title) in METRICS {
            let rows = self.table.iter().rev().filter(|row| {
                row.subset == Subset::Validation
                    && row.metric == metric
                    && ![NETWORK, SELECTED].contains(&row.model.as_str())
            });
            let cells: Vec<String> = rows
                .map(|row| format!("{}{} {:.3}", row.model, on(row), row.value))
                .collect();
            if !cells.is_empty() {
                lines.push(format!("{title} {}", cells.join(", ")));
            }
        }
        (!lines.is_empty()).then(|| format!("baselines: {}", lines.join("; ")))
    }

    /// A line for each probe that the network doesn't beat by a metric.
    fn against_probes(&self) -> Vec<String> {
        let is_probe = |other: &str| {
            PROBES
                .iter()
                .any(|probe| other.split(" on ").next() == Some(*probe))
        };
        let rows = self
            .comparisons
            .iter()
            .filter(|row| row.subset == Subset::Validation && is_probe(&row.other));
        let lines = rows.filter_map(|row| {
            let (_, title) = METRICS.iter().find(|(metric, _)| *metric == row.metric)?;
            let (low, high) = (row.low?, row.high?);
            let verdict = if high < 0.0 {
                "is worse than"
            } else if low <= 0.0 {
                "is not significantly different from"
            } else {
                return None;
            };
            Some(format!(
                "{title}: the network {verdict} the {} ({}, {} to {})",
                row.other,
                signed(row.difference),
                signed(low),
                signed(high)
            ))
        });
        lines.collect()
    }
}

/// The value with its interval.
fn value(row: &CrossValidation) -> String {
    match row.low.zip(row.high) {
        Some((low, high)) => format!("{:.3} ({})", row.value, interval_text(low, high)),
        None => format!("{:.3}", row.value),
    }
}
