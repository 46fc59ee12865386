//! What a program must know to use the weights.

use dataset::{Geometry, MEAN, STD};
use serde::{Deserialize, Serialize};

use crate::{ExportError, Weights};

/// The content of `config.json`.
///
/// A picture becomes an input so: its short side is resized to `resize_px`, bilinear with antialiasing; the center crop
/// of `side_px` is divided by 255, less `mean`, over `std`, a color at a time. The network is
/// `ResNet → 1000 → ReLU → embed → ReLU → head`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Layers of the ResNet.
    pub depth: usize,
    /// `D`, before the ReLU that precedes the head.
    pub embedding_size: usize,
    /// `[K]`, in the order of the logits.
    pub classes: Vec<String>,
    /// `S`, pixels along each side of the network's input.
    pub side_px: u32,
    /// What the short side of a picture is resized to, in pixels.
    pub resize_px: u32,
    /// Of red, green and blue in `[0, 1]`.
    pub mean: [f32; 3],
    /// Likewise.
    pub std: [f32; 3],
}

impl ModelConfig {
    /// The configuration of `weights` that tell `classes` apart in pictures of `geometry`.
    ///
    /// # Errors
    /// The head has not as many rows as there are classes, or is missing.
    pub fn new(
        weights: &Weights<'_>,
        classes: Vec<String>,
        geometry: Geometry,
    ) -> Result<Self, ExportError> {
        let [head, embedding_size] = weights.head()?;
        if head != classes.len() {
            return Err(ExportError::Classes {
                head,
                labels: classes.len(),
            });
        }
        Ok(Self {
            depth: weights.depth(),
            embedding_size,
            classes,
            side_px: geometry.side_px(),
            resize_px: geometry.resize_px(),
            mean: MEAN,
            std: STD,
        })
    }
}
