//! Configuration that a program needs besides the weights.

use images::{Evaluation, Geometry, ImageError, Limits, MEAN, Orient, STD};
use serde::{Deserialize, Serialize};

use crate::{ExportError, Weights};

/// The content of `config.json`.
///
/// Preprocessing of an image: its short side is resized to `resize_px`, bilinear with antialiasing; the center crop of
/// `side_px` is divided by 255, less `mean`, over `std`, by color. The network is `ResNet → 1000 → ReLU → embed → ReLU
/// → head`.
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
    /// Length of the short side of an image after resizing, in pixels.
    pub resize_px: u32,
    /// Mean of red, green and blue in `[0, 1]`.
    pub mean: [f32; 3],
    /// Standard deviation of the same.
    pub std: [f32; 3],
    /// Rules of decoding the collection's files.
    #[serde(default)]
    pub images: ImageRules,
    /// In the study's evaluation, logits are the means over each crop and its mirror image. The exported network sees
    /// one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test_time_flip: bool,
    /// Crops of an image in the study's evaluation: 1 for the center, 5 for center and corners.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub test_time_crops: u32,
}

fn one() -> u32 {
    1
}

fn is_one(crops: &u32) -> bool {
    *crops == 1
}

/// Rules of decoding a file, from stage `decode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageRules {
    /// Width times height of the largest image that is read.
    pub max_pixels: u64,
    /// The long side over the short one of the most elongated image that is read.
    pub max_aspect: u32,
    /// Use of the orientation in an image's metadata.
    pub exif_orientation: bool,
}

impl Default for ImageRules {
    /// Rules of models whose configuration has none.
    fn default() -> Self {
        Self {
            max_pixels: 100_000_000,
            max_aspect: 20,
            exif_orientation: false,
        }
    }
}

impl ImageRules {
    /// Limits for decoding.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            pixels: self.max_pixels,
            aspect: self.max_aspect,
        }
    }

    /// Orientation for decoding.
    #[must_use]
    pub fn orient(&self) -> Orient {
        Orient::by(self.exif_orientation)
    }
}

impl ModelConfig {
    /// Configuration of `weights` for `classes` and images of `geometry`.
    ///
    /// # Errors
    /// The head has not as many rows as there are classes, or is missing.
    pub fn new(
        weights: &Weights<'_>,
        classes: Vec<String>,
        geometry: Geometry,
        images: ImageRules,
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
            images,
            test_time_flip: false,
            test_time_crops: one(),
        })
    }

    /// The same with the views of an image in `evaluation`.
    #[must_use]
    pub fn with_views(self, evaluation: Evaluation) -> Self {
        Self {
            test_time_flip: evaluation.flip(),
            test_time_crops: evaluation.crops(),
            ..self
        }
    }

    /// Views of an image in the study's evaluation.
    ///
    /// # Errors
    /// The number of crops is neither 1 nor 5.
    pub fn evaluation(&self) -> Result<Evaluation, ImageError> {
        Evaluation::new(self.test_time_flip, self.test_time_crops, self.side_px)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_named_where_there_are_several() {
        let text = r#"{
            "depth": 18, "embedding_size": 4, "classes": ["cat", "dog"], "side_px": 64, "resize_px": 73,
            "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]
        }"#;
        let config: ModelConfig = serde_json::from_str(text).unwrap();
        let one = config.evaluation().unwrap();
        assert_eq!(one.views().len(), 1);
        let of_one = serde_json::to_value(config.clone().with_views(one)).unwrap();
        assert!(of_one.get("test_time_flip").is_none() && of_one.get("test_time_crops").is_none());

        let ten = Evaluation::new(true, 5, 64).unwrap();
        let of_ten = serde_json::to_value(config.with_views(ten)).unwrap();
        assert_eq!(of_ten["test_time_crops"], 5);
        let read: ModelConfig = serde_json::from_value(of_ten).unwrap();
        assert_eq!(read.evaluation().unwrap(), ten);
    }
}
