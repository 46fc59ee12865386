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
    /// A file that cannot be opened or read; the message names it.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// A file that is not safetensors.
    #[error("cannot read `{}` as safetensors: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
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
