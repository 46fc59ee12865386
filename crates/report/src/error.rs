//! Errors.

use images::ImageError;
use table_io::TableError;

/// Failure of the report, or of an image in it.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A table cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A table of one row is empty.
    #[error("the table `{0}` has no row, expected one")]
    NoRow(&'static str),
    /// A row of a table is about an image that is not in the collection.
    #[error("the image `{path}` of table `{table}` is not in the annotations")]
    UnknownImage {
        /// The image.
        path: String,
        /// The table.
        table: &'static str,
    },
    /// A prediction has scores of other classes than the collection's.
    #[error("the image `{path}` has scores of {found} classes, the annotations know {expected}")]
    Classes {
        /// The image.
        path: String,
        /// Scores of the prediction.
        found: usize,
        /// Classes of the collection.
        expected: usize,
    },
    /// A file cannot be decoded.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A thumbnail cannot be encoded.
    #[error("cannot encode a thumbnail: {0}")]
    Encode(#[from] jpeg_encoder::EncodingError),
}
