//! Trait of a row of a table, and types that many tables share.
//!
//! A table is a crate of its own beside this one: `table-NAME` has the row, the columns, their units and the sort key. A row
//! is a plain struct; [`Table`] adds the name and the order of the rows. `table-io` moves rows in and out of parquet.
//!
//! Letters of shapes: `K` classes (in the order of their indices, which is the order of their names), `D` dimensions of
//! the embedding.

mod assignment;
mod columns;
#[doc(hidden)]
pub mod conversion;
mod subset;
mod table;

pub use assignment::{Assignment, UnknownAssignment};
pub use subset::{Subset, UnknownSubset};
pub use table::Table;
