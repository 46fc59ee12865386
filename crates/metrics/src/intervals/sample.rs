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

    /// Checks that images of both at the same place have the same class and unit.
    pub(super) fn check_same_images(&self, other: &Self) -> Result<(), MetricError> {
        let keys = |sample: &Self| -> Vec<(usize, usize)> {
            let classes = sample.predictions.iter().map(|image| image.actual);
            classes.zip(sample.units.iter().copied()).collect()
        };
        let (own, others) = (keys(self), keys(other));
        let place = (0..own.len().max(others.len())).find(|&at| own.get(at) != others.get(at));
        match place {
            None => Ok(()),
            Some(place) => Err(MetricError::OtherImages {
                place,
                images: [own.len(), others.len()],
            }),
        }
    }
}

/// Relation of the images of two samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// The same images in the same order: a difference is that of each image's two results.
    Images,
    /// Other images, some of the same authors.
    Authors,
}
