//! Table `reliabilities`: reliability diagrams.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A bin of a reliability diagram: the images whose highest probability is in `(low, high]`. Sorted by `model`,
/// `method`, `subset`, `bin`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// As in `calibrations`.
    pub model: String,
    /// Likewise.
    pub method: String,
    /// Likewise.
    pub subset: Subset,
    /// From 0.
    pub bin: u32,
    /// Lower bound, in `[0, 1)`.
    pub low: f64,
    /// Upper bound, in `(0, 1]`.
    pub high: f64,
    /// Number of images.
    pub n: u32,
    /// Mean of their highest probabilities; null for no images.
    pub confidence: Option<f64>,
    /// Share of them whose class was predicted; null for no images.
    pub accuracy: Option<f64>,
    /// Lower end of its 95 % interval, Wilson's on the effective number of images by author; null for no images, or if every
    /// class has a single author.
    pub accuracy_low: Option<f64>,
    /// Upper end.
    pub accuracy_high: Option<f64>,
}

impl Table for Reliability {
    const NAME: &'static str = "reliabilities";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.model, &self.method, self.subset, self.bin).cmp(&(
            &other.model,
            &other.method,
            other.subset,
            other.bin,
        ))
    }
}
