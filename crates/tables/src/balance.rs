//! Table `balance`: authors and pictures by class and part.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::Table;

/// Counts of a class in a part. Sorted by `label`, `part`; empty combinations have a row with zeros.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// The class.
    pub label: String,
    /// As in `folds`.
    pub part: String,
    /// Distinct authors; 0 in classes without authors.
    pub authors: u32,
    /// Pictures.
    pub pictures: u32,
}

impl Table for Balance {
    const NAME: &'static str = "balance";

    fn order(&self, other: &Self) -> Ordering {
        (&self.label, &self.part).cmp(&(&other.label, &other.part))
    }
}
