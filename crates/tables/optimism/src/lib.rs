//! Table `optimism`: how far selection on the scored images raises the selected network's metrics.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// Optimism of the selected network's metric on its validation images. Sorted by `metric`, `part`. No rows with a single
/// fold, whose selection of the epoch no other fold measures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Optimism {
    /// Name of the metric, as in `scores`.
    pub metric: String,
    /// `epoch`: mean over the folds of the value in the epoch that the fold itself selects, less that in the epoch that the
    /// other folds select. `fold`: the selected fold's value less the mean of the folds, all in their own epochs.
    /// `total`: the sum of both.
    pub part: String,
    /// Its value, in the metric's unit; a lower loss is optimistic.
    pub value: f64,
}

impl Table for Optimism {
    const NAME: &'static str = "optimism";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.metric, &self.part).cmp(&(&other.metric, &other.part))
    }
}
