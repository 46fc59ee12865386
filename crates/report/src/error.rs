//! What can go wrong.

use images::ImageError;

/// Why there is no report, or no thumbnail in it.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A table speaks of a picture that the collection doesn't have.
    #[error("the picture `{path}` of table `{table}` is not in the annotations")]
    UnknownPicture {
        /// The picture.
        path: String,
        /// The table.
        table: &'static str,
    },
    /// A prediction is not of the collection's classes.
    #[error("the picture `{path}` has scores of {found} classes, the annotations know {expected}")]
    Classes {
        /// The picture.
        path: String,
        /// Scores of the prediction.
        found: usize,
        /// Classes of the collection.
        expected: usize,
    },
    /// A file cannot be decoded.
    #[error(transparent)]
    Picture(#[from] ImageError),
    /// A picture cannot be made small.
    #[error("cannot resize {width}×{height} pixels: {reason}")]
    Resize {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
        /// What the resizer says.
        reason: String,
    },
    /// A thumbnail cannot be encoded.
    #[error("cannot encode a thumbnail: {0}")]
    Encode(#[from] jpeg_encoder::EncodingError),
}
