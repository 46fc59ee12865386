//! Table `arrangements`: where each picture stood in every epoch of the metric learning.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A picture in an epoch. A row group an epoch; within it sorted by `path`.
///
/// Rows of the pictures that were trained on come from the training pass itself (augmented, with the weights of that
/// moment); all others were evaluated after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricEmbedding {
    /// From 0.
    pub epoch: u32,
    /// As in `annotations`.
    pub path: String,
    /// The true class.
    pub label: String,
    /// `train`, `validation` or `test`, as the fold has it. Images of held-out classes are fitted in no subset.
    pub subset: Subset,
    /// Whether the picture's class was learned; else it was held out.
    pub learned: bool,
    /// `[D]`, as the network gives it: not on the unit sphere.
    pub embedding: Vec<f32>,
}

impl Table for MetricEmbedding {
    const NAME: &'static str = "arrangements";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.epoch, &self.path).cmp(&(other.epoch, &other.path))
    }

    fn vectors(&self) -> Vec<(&'static str, usize)> {
        vec![("embedding", self.embedding.len())]
    }
}
