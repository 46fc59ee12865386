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
    /// Lower end of the 95 % interval by resampling authors; null without a bootstrap.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Images of the fold left out.
    pub images: u32,
}

impl Table for LeakageEffect {
    const NAME: &'static str = "leakage_effect";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.split, &self.metric).cmp(&(&other.split, &other.metric))
    }
}
