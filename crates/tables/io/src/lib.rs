//! Rows in and out of parquet. Two writes of the same rows give the same bytes.

mod batches;
mod error;
mod file;

pub use error::TableError;
pub use file::{Batches, Reader, Writer};
