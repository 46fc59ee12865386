//! Errors of reading and writing tables.

use std::path::PathBuf;

/// A table cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be opened, read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The file is no parquet file, or a damaged one.
    #[error("cannot read `{}` as parquet: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Error of the reader.
        source: parquet::errors::ParquetError,
    },
    /// The file's columns are not those of the table.
    #[error("cannot read `{}` as table `{table}`: {reason}", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// The table's name.
        table: &'static str,
        /// The column that is missing or of another type.
        reason: String,
    },
    /// Rows that cannot stand in one table.
    #[error("cannot write `{}` as table `{table}`: {reason}", path.display())]
    Rows {
        /// The file.
        path: PathBuf,
        /// The table's name.
        table: &'static str,
        /// Fault of the rows.
        reason: String,
    },
}
