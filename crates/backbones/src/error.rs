//! What can go wrong with a backbone.

use std::path::PathBuf;

use thiserror::Error;

/// An error of this crate.
#[derive(Debug, Error)]
pub enum BackboneError {
    /// No architecture has this name.
    #[error("`{name}` is no backbone; did you mean `{nearest}`? There are {known}")]
    Unknown {
        /// The name given, without what stands behind its first point.
        name: String,
        /// The known name that takes the fewest edits.
        nearest: &'static str,
        /// All known names.
        known: String,
    },
    /// The weights were trained on pictures that were normalized otherwise.
    #[error(
        "the weights `{0}` were trained on pictures normalized by another mean and deviation than ImageNet's: expected others of their architecture"
    )]
    Normalization(String),
    /// Pictures of this side don't fit.
    #[error("`{name}` takes pictures of {expected} px a side alone, found `side_px` = {found}")]
    Side {
        /// The backbone.
        name: String,
        /// The side that it takes.
        expected: u32,
        /// The side of the pictures.
        found: u32,
    },
    /// A file that cannot be read as weights; the message names it.
    #[error(transparent)]
    Weights(#[from] model::ModelError),
    /// Numbers that make every feature NaN.
    #[error(
        "`{}` has numbers that are not finite: {count} of {total} in `{name}`; the training that wrote it diverged, or the file is damaged: fetch it again, or take other weights",
        path.display()
    )]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The first tensor with such numbers.
        name: String,
        /// How many there are.
        count: usize,
        /// Elements of the tensor.
        total: usize,
    },
    /// Weights of another architecture.
    #[error("`{}` does not fit `{name}`: {problems}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The backbone.
        name: String,
        /// Tensors that are missing, unexpected or of another shape.
        problems: String,
    },
}
