//! Table `predictions`: predictions of the selected network for every image.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// Prediction for an image, without augmentation: logits and embedding are the means over the views of the evaluation.
/// Sorted by `path`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// As in `annotations`.
    pub path: String,
    /// The true class.
    pub label: String,
    /// `train`, `validation` or `test`, as the selected fold has it.
    pub subset: Subset,
    /// `[K]`.
    pub logits: Vec<f32>,
    /// `[K]`, softmax of the logits; they sum to 1.
    pub probabilities: Vec<f32>,
    /// `[D]`, before the head's ReLU.
    pub embedding: Vec<f32>,
    /// The class of the highest probability.
    pub predicted: String,
}

impl Table for Prediction {
    const NAME: &'static str = "predictions";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        self.path.cmp(&other.path)
    }

    fn vectors(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("logits", self.logits.len()),
            ("probabilities", self.probabilities.len()),
            ("embedding", self.embedding.len()),
        ]
    }
}
