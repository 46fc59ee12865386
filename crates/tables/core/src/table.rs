//! Trait of a row of a table.

use std::cmp::Ordering;

use arrow_array::RecordBatch;
use arrow_schema::FieldRef;

/// A row type with a name, an order and a conversion to columns.
///
/// The columns are the struct's fields, in their order: `String` and enums without data are string columns, `Option` is a
/// nullable one, `Vec<f32>` a list of fixed size, named in [`Table::vectors`], and another `Vec` a list of any length. An
/// implementation gives the conversion by [`columns!`](crate::columns).
pub trait Table: Sized {
    /// Name of the table, in snake case.
    const NAME: &'static str;

    /// The order of the rows in a file.
    fn order(&self, other: &Self) -> Ordering;

    /// Name and length of each vector column; all rows of a file agree in them.
    fn vectors(&self) -> Vec<(&'static str, usize)> {
        Vec::new()
    }

    /// Sorts rows by [`Table::order`]; equal ones keep their places.
    fn sort(rows: &mut [Self]);

    /// The columns, with vectors as lists of any length.
    ///
    /// # Errors
    /// A field of the row type has no type of column.
    fn fields() -> serde_arrow::Result<Vec<FieldRef>>;

    /// Rows as columns of the types `fields`.
    ///
    /// # Errors
    /// A value doesn't fit its column.
    fn to_batch(rows: &[Self], fields: &[FieldRef]) -> serde_arrow::Result<RecordBatch>;

    /// Columns as rows.
    ///
    /// # Errors
    /// A column is missing, or a value has another type.
    fn from_batch(batch: &RecordBatch) -> serde_arrow::Result<Vec<Self>>;
}
