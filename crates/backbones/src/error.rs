//! Errors of backbones.

use std::path::PathBuf;

use thiserror::Error;

/// An error of this crate.
#[derive(Debug, Error)]
pub enum BackboneError {
    /// No architecture has this name.
    #[error("`{name}` is no backbone; did you mean `{nearest}`? There are {known}")]
    Unknown {
        /// The name given, up to its first point.
        name: String,
        /// The known name at the smallest edit distance.
        nearest: &'static str,
        /// All known names.
        known: String,
    },
    /// The weights were trained on images with another normalization.
    #[error(
        "the weights `{0}` were trained on images normalized by another mean and deviation than ImageNet's: expected others of their architecture"
    )]
    Normalization(String),
    /// The images of the study are smaller than those that are supported.
    #[error(
        "`{name}` takes images of {expected} px a side alone, and those of this study have {found}: set `evaluation.side_px` \
         to {expected} or more"
    )]
    Side {
        /// The backbone.
        name: String,
        /// The supported side.
        expected: u32,
        /// The side of the images.
        found: u32,
    },
    /// A file that cannot be read as weights; the message names it.
    #[error(transparent)]
    Weights(#[from] model::ModelError),
    /// Numbers that are not finite.
    #[error(
        "`{}` has numbers that are not finite: {count} of {total} in `{name}`; the training that wrote it diverged, or the file is damaged: fetch it again, or take other weights",
        path.display()
    )]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The first tensor with such numbers.
        name: String,
        /// Number of such numbers.
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
