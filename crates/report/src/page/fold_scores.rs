//! Metrics of each fold.

use std::collections::BTreeSet;
use std::ops::Deref;

use table_fold_scores::FoldScore;

use crate::ReportError;
use crate::page::cross_validated::Model;
use crate::page::tables::{Field, Reading, Rows};

/// Selection by the images that are scored.
const OWN_FOLD: &str = "own fold";

/// Metrics of each fold's model on the fold.
pub(crate) struct FoldScores(Rows<FoldScore>);

impl Deref for FoldScores {
    type Target = [FoldScore];

    fn deref(&self) -> &[FoldScore] {
        &self.0
    }
}

impl Field for FoldScores {
    type Row = FoldScore;

    const READING: Reading = Reading::Whole;

    fn of(_: &'static str, rows: Rows<FoldScore>) -> Result<Self, ReportError> {
        Ok(Self(rows))
    }
}

impl FoldScores {
    /// Selection of the model's epoch or regularization: without the scored images where there is such a selection.
    pub(crate) fn selected_by(&self, model: Model<'_>) -> Option<&str> {
        let names: BTreeSet<&str> = self
            .rows(model)
            .map(|row| row.selected_by.as_str())
            .collect();
        let other = names.iter().find(|name| **name != OWN_FOLD);
        other.or(names.first()).copied()
    }

    /// Rows of a metric by fold, of the selection of [`FoldScores::selected_by`].
    pub(crate) fn of_model(&self, model: Model<'_>, metric: &str) -> Vec<&FoldScore> {
        let selected_by = self.selected_by(model);
        let rows = self.rows(model).filter(|row| row.metric == metric);
        rows.filter(|row| Some(row.selected_by.as_str()) == selected_by)
            .collect()
    }

    /// The row of a metric in the epoch that the fold itself selects.
    pub(crate) fn in_own_epoch(
        &self,
        model: Model<'_>,
        fold: u32,
        metric: &str,
    ) -> Option<&FoldScore> {
        let mut rows = self.rows(model);
        rows.find(|row| {
            (row.fold, row.metric.as_str(), row.selected_by.as_str()) == (fold, metric, OWN_FOLD)
        })
    }

    fn rows<'s>(&'s self, model: Model<'_>) -> impl Iterator<Item = &'s FoldScore> {
        let rows = self.iter();
        rows.filter(move |row| {
            row.model == model.model && row.features.as_deref() == model.features
        })
    }
}

/// Words for a selection of an epoch, after `the network of its fold …`.
pub(crate) fn epoch_phrase(selected_by: Option<&str>) -> &'static str {
    match selected_by {
        Some("nothing") => "after the last epoch",
        Some(OWN_FOLD) => {
            "in the epoch that the scored images themselves select, which is optimistic"
        }
        _ => "in the epoch that the other folds select",
    }
}
