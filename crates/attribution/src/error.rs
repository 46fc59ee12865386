//! Errors of attribution.

use thiserror::Error;

/// An error of this crate.
#[derive(Debug, Error)]
pub enum AttributionError {
    /// A window larger than its grid, or empty.
    #[error("a window of {window} cells on a grid of {cells}: expected 1 to {cells}")]
    Window {
        /// Cells along the side of the window.
        window: usize,
        /// Cells along the side of the grid.
        cells: usize,
    },
    /// Cells smaller than a pixel.
    #[error(
        "{cells} cells a side on an image of {height}×{width} pixels: expected no more cells than pixels"
    )]
    Cells {
        /// Cells along the side of the grid.
        cells: usize,
        /// Pixels from top to bottom.
        height: usize,
        /// Pixels from left to right.
        width: usize,
    },
    /// A class that the network doesn't have.
    #[error("class {class} does not exist: expected an index below {n_classes}")]
    NoSuchClass {
        /// Class index.
        class: usize,
        /// Number of the network's classes.
        n_classes: usize,
    },
    /// A prediction with another number of classes than there are labels.
    #[error(
        "`{path}` has scores of {found} classes, but {expected} labels occur: expected the same"
    )]
    Classes {
        /// Path of the image.
        path: String,
        /// Number of scores of its prediction.
        found: usize,
        /// Number of labels that occur.
        expected: usize,
    },
    /// Error of the network.
    #[error(transparent)]
    Model(#[from] model::ModelError),
    /// Error of the device.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
