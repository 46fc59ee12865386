//! Table `balance`: authors and images by class and fold.

use std::cmp::Ordering;

use arrow_schema::FieldRef;
use serde::{Deserialize, Serialize};
use serde_arrow::schema::{SchemaLike, TracingOptions};

use crate::Table;
use crate::fold::Assignment;

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
    /// Pictures.
    pub pictures: u32,
}

impl Table for Balance {
    const NAME: &'static str = "balance";

    fn order(&self, other: &Self) -> Ordering {
        (&self.label, self.fold).cmp(&(&other.label, other.fold))
    }

    fn columns(options: TracingOptions) -> serde_arrow::Result<Vec<FieldRef>> {
        Vec::from_type::<Balance<String>>(options)
    }
}
