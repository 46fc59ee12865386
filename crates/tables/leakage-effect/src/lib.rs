//! Table `leakage_effect`: scores of one recipe under three splits.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// A metric of the network trained and validated under a split. Sorted by `split`, `metric`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeakageEffect {
    /// As in `leakage`.
    pub split: String,
    /// The epoch of the best selection score, from 0.
    pub epoch: u32,
    /// Name of the metric, as in `scores`.
    pub metric: String,
    /// Value on the fold left out.
    pub value: f64,
    /// Lower end of the 95 % interval; null without a bootstrap, or where every class has a single author.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// The value less that of the study's own split; null for the latter.
    pub difference: Option<f64>,
    /// Lower end of the difference's 95 % interval, paired by author; null as `low` and `difference`. If the interval
    /// contains 0, it is not significant.
    pub difference_low: Option<f64>,
    /// Upper end.
    pub difference_high: Option<f64>,
    /// Images of the fold left out.
    pub images: u32,
    /// Number of authors; an image without a known author counts as one.
    pub authors: u32,
}

impl Table for LeakageEffect {
    const NAME: &'static str = "leakage_effect";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.split, &self.metric).cmp(&(&other.split, &other.metric))
    }
}
