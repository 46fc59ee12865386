//! Table `balance`: authors and images by class and fold.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Assignment;
use tables::Table;

/// Counts of a class in a fold or in the test set. Sorted by `label`, `fold`; empty combinations have a row with zeros.
///
/// `A` is the type of the column `fold`, plain text while columns are traced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance<A = Assignment> {
    /// The class.
    pub label: String,
    /// As in `folds`.
    pub fold: A,
    /// Distinct authors; 0 in classes without authors.
    pub authors: u32,
    /// Images.
    pub images: u32,
}

impl Table for Balance {
    const NAME: &'static str = "balance";

    tables::columns!(Balance<String>);

    fn order(&self, other: &Self) -> Ordering {
        (&self.label, self.fold).cmp(&(&other.label, other.fold))
    }
}
