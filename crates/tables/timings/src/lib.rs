//! Table `timings`: wall times of a training, which differ from run to run.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// Wall time of an epoch. Sorted by `fold`, `epoch`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// The fold left out, for validation.
    pub fold: u32,
    /// From 0.
    pub epoch: u32,
    /// Seconds of the training pass.
    pub train_s: f64,
    /// Seconds of the evaluation after it.
    pub evaluate_s: f64,
}

impl Table for Timing {
    const NAME: &'static str = "timings";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.fold, self.epoch).cmp(&(other.fold, other.epoch))
    }
}
