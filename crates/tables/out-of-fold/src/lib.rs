//! Table `out_of_fold`: predictions of models for images that they were not fitted to.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// Prediction of a model for an image that it was not fitted to. Sorted by `model`, `features`, `path`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutOfFold {
    /// `network`, `linear probe` or `forest`.
    pub model: String,
    /// Backbone whose frozen features the model reads, as in `features`; null for the network.
    pub features: Option<String>,
    /// As in `annotations`.
    pub path: String,
    /// The true class.
    pub label: String,
    /// `validation`: predicted by the model of the image's fold, which was fitted to the other folds. `test`: predicted by
    /// the ensemble of all folds' models, with the mean of their probabilities.
    pub subset: Subset,
    /// The image's fold; null for test images.
    pub fold: Option<u32>,
    /// Epoch of the fold's network, selected by the validation images of the other folds; null for test images and for
    /// models without epochs.
    pub epoch: Option<u32>,
    /// `[K]`; they sum to 1.
    pub probabilities: Vec<f32>,
    /// The class of the highest probability.
    pub predicted: String,
}

impl Table for OutOfFold {
    const NAME: &'static str = "out_of_fold";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.model, &self.features, &self.path).cmp(&(&other.model, &other.features, &other.path))
    }

    fn vectors(&self) -> Vec<(&'static str, usize)> {
        vec![("probabilities", self.probabilities.len())]
    }
}
