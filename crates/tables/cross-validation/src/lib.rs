//! Table `cross_validation`: cross-validated metrics of the network and of its baselines, and their scores on the test set.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A cross-validated metric of a model. Sorted by `model`, `features`, `subset`, `metric`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// `network`, the folds' networks; `selected network`, the one of stage `select`, whose validation images selected it;
    /// `linear probe` and `forest`, on frozen features; `largest class`, which predicts the class with most training
    /// images, with the classes' frequencies as probabilities; `chance`, all classes equally probable: scores of the
    /// expected counts of a uniform guess, as a class-weighted top-k of `k / K`.
    pub model: String,
    /// As in `out_of_fold`.
    pub features: Option<String>,
    /// `validation`: all folds' images together, each predicted by a model that was not fitted to it; of the selected
    /// network those of its fold. `test`: the test set, by the ensemble of the folds' models; of the selected network
    /// by itself.
    pub subset: Subset,
    /// Name of the metric, as in `scores`.
    pub metric: String,
    /// Value over the images of the subset.
    pub value: f64,
    /// Lower end of the 95 % interval; null where it cannot be known, and of `chance` and `largest class`, whose
    /// predictions follow from the numbers of images in the folds.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Mean of the folds' values; null for test images and for one fold.
    pub fold_mean: Option<f64>,
    /// Standard deviation of the folds' values, with divisor `folds - 1`; null as `fold_mean`.
    pub fold_sd: Option<f64>,
    /// Number of models that predicted: of folds, or 1.
    pub folds: u32,
    /// Number of images.
    pub images: u32,
    /// Number of authors; an image without a known author counts as one.
    pub authors: u32,
    /// Number of classes with a single author in the subset. The interval does not cover the variation between authors of
    /// such a class.
    pub single_author_classes: u32,
}

impl Table for CrossValidation {
    const NAME: &'static str = "cross_validation";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.model, &self.features, self.subset, &self.metric).cmp(&(
            &other.model,
            &other.features,
            other.subset,
            &other.metric,
        ))
    }
}
