//! Table `confusion`: confusion matrices.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A cell of a model's confusion matrix on a subset. Sorted by `model`, `subset`, `actual`, `predicted`; every cell has a
/// row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// Of stage `score`: `network`, `forest` or `tuned forest`, of the selected fold. Of stage `cross-validation`: `network`,
    /// and `linear probe` and `forest` on frozen features, ` on NAME` of another backbone than the network's.
    pub model: String,
    /// `train`, `validation` or `test`.
    pub subset: Subset,
    /// The true class.
    pub actual: String,
    /// The predicted class.
    pub predicted: String,
    /// Number of images.
    pub count: u32,
}

impl Table for Confusion {
    const NAME: &'static str = "confusion";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.model, self.subset, &self.actual, &self.predicted).cmp(&(
            &other.model,
            other.subset,
            &other.actual,
            &other.predicted,
        ))
    }
}
