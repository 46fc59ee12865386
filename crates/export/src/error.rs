//! Errors of the export.

use thiserror::Error;

/// An error of this crate.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The weights cannot be read.
    #[error("cannot read the weights as safetensors: {0}")]
    Safetensors(#[from] safetensors::SafeTensorError),
    /// A tensor of another type or rank than the network's.
    #[error("`{name}` is {found}, expected {expected} dimensions of F32")]
    Tensor {
        /// Its name.
        name: String,
        /// Type and shape found.
        found: String,
        /// The rank expected.
        expected: usize,
    },
    /// Values that are not finite.
    #[error(
        "`{name}` has {count} numbers of {total} that are NaN or infinite: no model is made of them"
    )]
    NotFinite {
        /// The tensor.
        name: String,
        /// Number of values that are not finite.
        count: usize,
        /// Number of elements.
        total: usize,
    },
    /// The configuration cannot be written.
    #[error("cannot encode the configuration as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Classes and weights differ in number.
    #[error("the head has {head} classes, but {labels} labels occur: expected the same")]
    Classes {
        /// Rows of `head.weight`.
        head: usize,
        /// Labels of the collection.
        labels: usize,
    },
    /// A size beyond the range of the format.
    #[error("a size of {0} is beyond the format")]
    TooLarge(usize),
}
