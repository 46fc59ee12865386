//! What can go wrong.

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
    /// Numbers that make every prediction NaN.
    #[error(
        "`{name}` has {count} numbers of {total} that are NaN or infinite: no model is made of them"
    )]
    NotFinite {
        /// The tensor.
        name: String,
        /// How many are not finite.
        count: usize,
        /// Elements of the tensor.
        total: usize,
    },
    /// The configuration cannot be written.
    #[error("cannot encode the configuration as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Classes and weights don't fit.
    #[error("the head tells {head} classes apart, but {labels} labels occur: expected the same")]
    Classes {
        /// Rows of `head.weight`.
        head: usize,
        /// Labels of the collection.
        labels: usize,
    },
    /// A size beyond what the format can say.
    #[error("a size of {0} is beyond the format")]
    TooLarge(usize),
}
