//! Scores of the selected models.

use std::ops::Deref;

use maud::{Markup, html};
use table_scores::Score;
use tables::Subset;

use crate::ReportError;
use crate::draw::format::{interval, score};
use crate::page::tables::{Field, Reading, Rows};

/// The models, in the order in which the report lists them.
const MODELS: [&str; 3] = ["network", "forest", "tuned forest"];

/// Scores of the selected models.
pub(crate) struct Scores(Rows<Score>);

impl Deref for Scores {
    type Target = [Score];

    fn deref(&self) -> &[Score] {
        &self.0
    }
}

impl Field for Scores {
    type Row = Score;

    const READING: Reading = Reading::Whole;

    fn of(_: &'static str, rows: Rows<Score>) -> Result<Self, ReportError> {
        Ok(Self(rows))
    }
}

impl Scores {
    /// Models with scores.
    pub(crate) fn models(&self) -> Vec<&'static str> {
        let is_scored = |model: &&str| self.iter().any(|row| row.model == *model);
        MODELS.into_iter().filter(is_scored).collect()
    }

    /// Subsets with scores.
    pub(crate) fn subsets(&self) -> Vec<Subset> {
        let is_scored = |subset: &Subset| self.iter().any(|row| row.subset == *subset);
        Subset::OF_SPLIT.into_iter().filter(is_scored).collect()
    }

    /// The score of a model on a subset by `metric`.
    pub(crate) fn find(&self, model: &str, subset: Subset, metric: &str) -> Option<&Score> {
        let wanted = (model, subset, metric);
        self.iter()
            .find(|row| (row.model.as_str(), row.subset, row.metric.as_str()) == wanted)
    }

    /// A table's cell with a score and its interval.
    pub(crate) fn cell(&self, model: &str, subset: Subset, metric: &str) -> Markup {
        let found = self.find(model, subset, metric);
        html! {
            td { (score(found)) @if let Some(range) = interval(found) { " " small { "(" (range) ")" } } }
        }
    }

    /// Returns whether a score of validation or test images has no interval.
    pub(crate) fn lacks_intervals(&self) -> bool {
        let evaluated = self.iter().filter(|row| row.subset != Subset::Train);
        { evaluated.filter(|row| row.value.is_some()) }
            .filter(|row| row.metric.starts_with("top"))
            .any(|row| row.low.is_none() || row.high.is_none())
    }
}
