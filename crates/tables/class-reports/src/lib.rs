//! Table `class_reports`: precision and recall of each class.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A class in a model's report on a subset. Sorted by `model`, `subset`, `label`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// As in table `confusion`.
    pub model: String,
    /// `train`, `validation` or `test`.
    pub subset: Subset,
    /// The class.
    pub label: String,
    /// Share of the images predicted as the class that are of it; 0 when none was predicted as it.
    pub precision: f64,
    /// Share of the class's images that were predicted as it; 0 when it has none.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Images of the class.
    pub support: u32,
}

impl Table for ClassReport {
    const NAME: &'static str = "class_reports";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.model, self.subset, &self.label).cmp(&(&other.model, other.subset, &other.label))
    }
}
