//! Scored images by author.

use crate::{MetricError, ScoredPrediction};

/// Scored images with the unit of each: its author, or itself where there is none.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// `[N]`.
    pub predictions: &'a [ScoredPrediction],
    /// `[N]`.
    pub units: &'a [usize],
}

impl Sample<'_> {
    pub(super) fn check(&self) -> Result<(), MetricError> {
        if self.units.len() == self.predictions.len() {
            return Ok(());
        }
        Err(MetricError::Length {
            list: "units",
            found: self.units.len(),
            expected: self.predictions.len(),
        })
    }

    /// Returns whether both samples are of the same images, as far as classes and units tell.
    pub(super) fn is_paired(&self, other: &Self) -> bool {
        let classes = |sample: &Self| -> Vec<usize> {
            sample
                .predictions
                .iter()
                .map(|image| image.actual)
                .collect()
        };
        self.units == other.units && classes(self) == classes(other)
    }
}
