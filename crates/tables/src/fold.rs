//! Table `folds`: the part of the design in which a picture stands.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::Table;

/// The part of the validation pictures, which no fold trains on or tests on.
pub const VALIDATION: &str = "val";

/// A picture's place in the design. Sorted by `path`, one row for each row of `annotations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fold {
    /// As in `annotations`.
    pub path: String,
    /// The class.
    pub label: String,
    /// Who made it; an author stands in one part only.
    pub author: Option<String>,
    /// `0`, `1`, … for the folds, or [`VALIDATION`].
    pub part: String,
}

impl Table for Fold {
    const NAME: &'static str = "folds";

    fn order(&self, other: &Self) -> Ordering {
        self.path.cmp(&other.path)
    }
}
