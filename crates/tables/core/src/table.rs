//! Trait of a row of a table.

use std::cmp::Ordering;

use serde::{Serialize, de::DeserializeOwned};

/// A row type with a name and an order.
///
/// The columns are the struct's fields, in their order: `String` and enums without data are string columns, `Option` is a
/// nullable one, and `Vec<f32>` a list of fixed size, named in [`Table::vectors`].
pub trait Table: Serialize + DeserializeOwned {
    /// Name of the table, in snake case.
    const NAME: &'static str;

    /// A row with the same columns in plain types, from which the schema is derived: `Self`, but for rows with a column of
    /// parsed text, as deriving deserializes empty texts.
    type Columns: DeserializeOwned;

    /// The order of the rows in a file.
    fn order(&self, other: &Self) -> Ordering;

    /// Name and length of each vector column; all rows of a file agree in them.
    fn vectors(&self) -> Vec<(&'static str, usize)> {
        Vec::new()
    }
}
