//! Table `epoch_scores`: the figures of every epoch, in long form.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::Table;

/// A metric of an epoch on a part. Sorted by `fold`, `epoch`, `part`, `metric`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochScore {
    /// The fold that is tested on.
    pub fold: u32,
    /// From 0.
    pub epoch: u32,
    /// `train`, `test` or `val`.
    pub part: String,
    /// The metric's name, as in `scores`.
    pub metric: String,
    /// Its value; null where it isn't defined.
    pub value: Option<f64>,
}

impl Table for EpochScore {
    const NAME: &'static str = "epoch_scores";

    fn order(&self, other: &Self) -> Ordering {
        (self.fold, self.epoch, &self.part, &self.metric).cmp(&(
            other.fold,
            other.epoch,
            &other.part,
            &other.metric,
        ))
    }
}
