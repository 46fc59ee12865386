//! Table `epoch_outputs`: what the network said of every picture in every epoch.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A picture in an epoch of a fold. A row group an epoch; within it sorted by `path`.
///
/// Training pictures' rows come from the training pass itself (augmented, with the weights of that moment); with balanced
/// sampling, a picture drawn several times has its last draw's, and one not drawn is evaluated as validation images are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochOutput {
    /// The fold left out, which validates.
    pub fold: u32,
    /// From 0.
    pub epoch: u32,
    /// As in `annotations`.
    pub path: String,
    /// Number of the true class.
    pub code: u32,
    /// `train`, `validation` or `test`.
    pub subset: Subset,
    /// `[K]`.
    pub logits: Vec<f32>,
    /// `[D]`, before the head's ReLU.
    pub embedding: Vec<f32>,
}

impl Table for EpochOutput {
    const NAME: &'static str = "epoch_outputs";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.fold, self.epoch, &self.path).cmp(&(other.fold, other.epoch, &other.path))
    }

    fn vectors(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("logits", self.logits.len()),
            ("embedding", self.embedding.len()),
        ]
    }
}
