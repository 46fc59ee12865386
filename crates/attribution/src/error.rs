//! What can go wrong.

use thiserror::Error;

/// An error of this crate.
#[derive(Debug, Error)]
pub enum ExplainError {
    /// A square larger than the grid that it moves on, or none.
    #[error("a square of {square} cells on a grid of {cells}: expected 1 to {cells}")]
    Square {
        /// Cells along the side of the square.
        square: usize,
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
    /// A class that the network doesn't know.
    #[error("class {class} does not exist: expected a code below {n_classes}")]
    NoSuchClass {
        /// The code asked for.
        class: usize,
        /// How many classes the network knows.
        n_classes: usize,
    },
    /// A label that no prediction is about.
    #[error(
        "`{path}` has scores of {found} classes, but {expected} labels occur: expected the same"
    )]
    Classes {
        /// The image.
        path: String,
        /// Scores of its prediction.
        found: usize,
        /// Labels that occur.
        expected: usize,
    },
    /// The gradient of the last block's activations was cut off.
    #[error("the class's logit has no gradient in the last block's activations")]
    NoGradient,
    /// The network failed.
    #[error(transparent)]
    Model(#[from] model::ModelError),
    /// The device failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
