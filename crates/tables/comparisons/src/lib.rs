//! Table `comparisons`: differences of two models' metrics on the same images, with paired intervals.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// Difference of two models' metric. Sorted by `model`, `other`, `subset`, `metric`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The first model, as in `scores` or `cross_validation`.
    pub model: String,
    /// The second. A baseline on the features of another backbone than the network's has its name, as in `linear probe on
    /// NAME`.
    pub other: String,
    /// The images, as in `scores` or `cross_validation`.
    pub subset: Subset,
    /// Name of the metric, as in `scores`.
    pub metric: String,
    /// The first model's value less the second's.
    pub difference: f64,
    /// Lower end of the paired 95 % interval; null where it cannot be known. If the interval contains 0, the difference is
    /// not significant.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Number of images.
    pub images: u32,
    /// Number of authors; an image without a known author counts as one.
    pub authors: u32,
}

impl Table for Comparison {
    const NAME: &'static str = "comparisons";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.model, &self.other, self.subset, &self.metric).cmp(&(
            &other.model,
            &other.other,
            other.subset,
            &other.metric,
        ))
    }
}
