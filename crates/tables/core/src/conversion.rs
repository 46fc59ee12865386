//! Conversion between rows and columns, for the expansion of [`columns!`](crate::columns).
//!
//! serde and arrow make much code of each row type. The macro compiles it where the row type is defined, once, and not in
//! every program that uses the table.

pub use arrow_array::RecordBatch;
pub use arrow_schema::FieldRef;
use serde::{Serialize, de::DeserializeOwned};
pub use serde_arrow::Result;
use serde_arrow::schema::{SchemaLike, TracingOptions};

/// The columns of `T`.
///
/// # Errors
/// A field has no type of column.
pub fn fields<T: DeserializeOwned>() -> Result<Vec<FieldRef>> {
    let options = TracingOptions::default()
        .strings_as_large_utf8(false)
        .sequence_as_large_list(false)
        .enums_without_data_as_strings(true);
    Vec::<FieldRef>::from_type::<T>(options)
}

/// Rows as columns of the types `fields`.
///
/// # Errors
/// A value doesn't fit its column.
pub fn to_batch<T: Serialize>(rows: &[T], fields: &[FieldRef]) -> Result<RecordBatch> {
    serde_arrow::to_record_batch(fields, &rows)
}

/// Columns as rows.
///
/// # Errors
/// A column is missing, or a value has another type.
pub fn from_batch<T: DeserializeOwned>(batch: &RecordBatch) -> Result<Vec<T>> {
    serde_arrow::from_record_batch(batch)
}
