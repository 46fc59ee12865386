//! Table `metric_learning_scores`: separation of the classes by metric learning, by epoch, in long form.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A metric of an epoch. Sorted by `epoch`, `subset`, `classes`, `embedding`, `metric`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricLearningScore {
    /// From 0.
    pub epoch: u32,
    /// `train`, `validation` or `test`: only images of the subset count, and are compared with each other.
    pub subset: Subset,
    /// `learned` or `held-out`: only images of these classes count.
    pub classes: String,
    /// `raw`, or `normalized` to unit length.
    pub embedding: String,
    /// `silhouette`, `davies_bouldin`, `recall_at_1` or `map_at_r`, all by the true classes.
    pub metric: String,
    /// Its value; null where undefined.
    pub value: Option<f64>,
    /// Expected value of `recall_at_1` and `map_at_r` where embeddings are random, with the same labels; null for the other
    /// metrics, and where undefined.
    pub chance: Option<f64>,
    /// Number of images.
    pub images: u32,
    /// Number of their classes.
    pub n_classes: u32,
}

impl Table for MetricLearningScore {
    const NAME: &'static str = "metric_learning_scores";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        let key = |row: &Self| {
            let names = [&row.classes, &row.embedding, &row.metric];
            (row.epoch, row.subset, names.map(Clone::clone))
        };
        key(self).cmp(&key(other))
    }
}
