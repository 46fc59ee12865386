//! Table `epoch_scores`: metrics of every epoch, in long form.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A metric of an epoch on a subset. Sorted by `fold`, `epoch`, `subset`, `metric`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochScore {
    /// The fold left out, for validation.
    pub fold: u32,
    /// From 0.
    pub epoch: u32,
    /// `train`, `validation` or `test`.
    pub subset: Subset,
    /// The metric's name, as in `scores`.
    pub metric: String,
    /// Its value; null where undefined.
    pub value: Option<f64>,
}

impl Table for EpochScore {
    const NAME: &'static str = "epoch_scores";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.fold, self.epoch, self.subset, &self.metric).cmp(&(
            other.fold,
            other.epoch,
            other.subset,
            &other.metric,
        ))
    }
}
