//! Table `epoch_outputs`: model outputs for every image in every epoch.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// An image in an epoch of a fold. One row group per epoch; within it sorted by `path`.
///
/// Rows of training images come from the training pass itself (augmented, with the weights of that step); with balanced
/// sampling, an image drawn several times has the row of its last draw, and one not drawn is evaluated as validation
/// images are. With mixup or CutMix, the row of a training image is that of a mixture, of which the image has the larger
/// or the smaller share: scores of training images are then lower than those of the plain images would be. Rows of other
/// images are the means over the views of the evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochOutput {
    /// The fold left out, for validation.
    pub fold: u32,
    /// From 0.
    pub epoch: u32,
    /// As in `annotations`.
    pub path: String,
    /// Index of the true class.
    pub class_index: u32,
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
