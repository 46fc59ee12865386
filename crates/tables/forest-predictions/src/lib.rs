//! Table `forest_predictions`: predictions of a random forest for every image.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// Prediction for an image from the network's embedding. Sorted by `path`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForestPrediction {
    /// As in `annotations`.
    pub path: String,
    /// The true class.
    pub label: String,
    /// As in `predictions`.
    pub subset: Subset,
    /// `[K]`, mean over the trees of the class probabilities in a leaf; they sum to 1.
    pub probabilities: Vec<f32>,
    /// The class of the highest probability.
    pub predicted: String,
}

impl Table for ForestPrediction {
    const NAME: &'static str = "forest_predictions";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        self.path.cmp(&other.path)
    }

    fn vectors(&self) -> Vec<(&'static str, usize)> {
        vec![("probabilities", self.probabilities.len())]
    }
}
