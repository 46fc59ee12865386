//! Table `metric_embeddings`: embeddings of the metric learning, by epoch.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// Embedding of an image in an epoch. One row group per epoch; within it sorted by `path`.
///
/// Rows of training images come from the training pass itself (augmented, with the weights of that step); all others
/// were evaluated after it.
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
    /// True if the class was learned; else it was held out.
    pub learned: bool,
    /// `[D]`, output of the network, not normalized.
    pub embedding: Vec<f32>,
}

impl Table for MetricEmbedding {
    const NAME: &'static str = "metric_embeddings";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.epoch, &self.path).cmp(&(other.epoch, &other.path))
    }

    fn vectors(&self) -> Vec<(&'static str, usize)> {
        vec![("embedding", self.embedding.len())]
    }
}
