//! Table `attributes`: further columns of a user's table of labels.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// A cell of a column besides path, label, author and split. Sorted by `path`, then `name`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    /// As in `annotations`.
    pub path: String,
    /// Name of the column.
    pub name: String,
    /// The cell's text; empty cells have no row.
    pub value: String,
}

impl Table for Attribute {
    const NAME: &'static str = "attributes";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.path, &self.name).cmp(&(&other.path, &other.name))
    }
}
