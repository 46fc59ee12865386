//! What makes a row struct a table.

use std::cmp::Ordering;

use arrow_schema::FieldRef;
use serde::{Serialize, de::DeserializeOwned};
use serde_arrow::schema::{SchemaLike, TracingOptions};

/// A row type with a name and an order.
///
/// The columns are the struct's fields, in their order: `String` and enums without data are string columns, `Option` is a
/// nullable one, and `Vec<f32>` a list of fixed size, named in [`Table::vectors`].
pub trait Table: Serialize + DeserializeOwned {
    /// The table's name: a plural noun in snake case.
    const NAME: &'static str;

    /// The order of the rows in a file.
    fn order(&self, other: &Self) -> Ordering;

    /// Name and length of each vector column; all rows of a file agree in them.
    fn vectors(&self) -> Vec<(&'static str, usize)> {
        Vec::new()
    }

    /// The columns by the row's type. Tracing deserializes empty texts: a row with a column of parsed text, which refuses
    /// them, traces a type of the same columns instead.
    ///
    /// # Errors
    /// The type cannot be traced.
    fn columns(options: TracingOptions) -> serde_arrow::Result<Vec<FieldRef>> {
        Vec::from_type::<Self>(options)
    }
}
