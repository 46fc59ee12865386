//! Table `scores`: metrics of the selected models, in long form.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A metric of a model on a subset. Sorted by `model`, `subset`, `metric`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// `network`, `forest` or `tuned forest`.
    pub model: String,
    /// `train`, `validation` or `test`.
    pub subset: Subset,
    /// The metric's name.
    pub metric: String,
    /// Its value; null where undefined, as a silhouette of one cluster.
    pub value: Option<f64>,
    /// Lower end of the 95 % interval; null where none was computed, or every class has a single author.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Number of images.
    pub images: u32,
    /// Number of authors; an image without a known author counts as one.
    pub authors: u32,
    /// Number of classes with a single author in the subset. The interval does not cover the variation between authors of
    /// such a class.
    pub single_author_classes: u32,
}

impl Table for Score {
    const NAME: &'static str = "scores";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.model, self.subset, &self.metric).cmp(&(&other.model, other.subset, &other.metric))
    }
}
