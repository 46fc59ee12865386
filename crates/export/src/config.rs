//! Configuration that a program needs besides the weights.

use images::{Evaluation, Geometry, ImageError, Limits, MEAN, Orient, STD};
use serde::{Deserialize, Serialize};

use crate::interface::{EMBEDDING, IMAGES, IR_VERSION, LOGITS, OPSET};
use crate::{ExportError, Preprocessing, Weights};

/// The version of the format that is written and read. Files of version 1 had no `format_version`.
const FORMAT_VERSION: u32 = 2;

/// The network behind the ResNet's pooled features, by names of linear layers in the file of weights: its own classifier,
/// if that is kept, and what follows.
const CLASSIFIER: [&str; 2] = ["fc", "relu"];
const HEAD: [&str; 3] = ["embed", "relu", "head"];

/// The content of `config.json`: all that leads from an image file to the model's probabilities.
///
/// An image is upright if `images.exif_orientation`, goes through the steps of `preprocessing` with `resize_px` and
/// `side_px`, and then by color less `mean`, over `std`. The probabilities are the softmax of the logits over
/// `temperature`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Version of this format.
    pub format_version: FormatVersion,
    /// Name of the ResNet, as torchvision has it: `resnet18`.
    pub architecture: String,
    /// Steps behind the ResNet's pooled features: linear layers by their names in the file of weights, and `relu`.
    pub head: Vec<String>,
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
    /// Steps from a decoded file to the network's input.
    pub preprocessing: Preprocessing,
    /// Rules of decoding the collection's files.
    pub images: ImageRules,
    /// Divisor of the logits before the softmax, which calibrates the probabilities; 1 without a calibration.
    pub temperature: f64,
    /// Interface of the ONNX file.
    pub onnx: OnnxInterface,
    /// In the study's evaluation, logits are the means over each crop and its mirror image. The exported network sees
    /// one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test_time_flip: bool,
    /// Crops of an image in the study's evaluation: 1 for the center, 5 for center and corners.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub test_time_crops: u32,
}

/// Version of the fields of `config.json`, the number 2: another one is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct FormatVersion;

impl TryFrom<u32> for FormatVersion {
    type Error = String;

    fn try_from(found: u32) -> Result<Self, String> {
        if found == FORMAT_VERSION {
            Ok(Self)
        } else {
            Err(format!(
                "`format_version` is {found}, expected {FORMAT_VERSION}: `cargo xtask repro export` writes it"
            ))
        }
    }
}

impl From<FormatVersion> for u32 {
    fn from(_: FormatVersion) -> Self {
        FORMAT_VERSION
    }
}

/// Interface of the ONNX file. `N` is the number of images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnnxInterface {
    /// Version of the operators.
    pub opset: i64,
    /// Version of the file format.
    pub ir_version: i64,
    /// Name of the input, `[N, 3, S, S]`, 32-bit floats.
    pub input: String,
    /// Names of the outputs, `[N, K]` and `[N, D]`, 32-bit floats.
    pub outputs: Vec<String>,
}

impl Default for OnnxInterface {
    /// The one that is written.
    fn default() -> Self {
        Self {
            opset: OPSET,
            ir_version: IR_VERSION,
            input: IMAGES.to_owned(),
            outputs: vec![LOGITS.to_owned(), EMBEDDING.to_owned()],
        }
    }
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
    /// The rules of `params.toml`'s defaults, but with pixels as they are stored.
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
    /// Configuration of `weights` for `classes` and images of `geometry`, without calibration.
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
        let depth = weights.depth();
        let classifier: &[&str] = match weights.has_classifier() {
            true => &CLASSIFIER,
            false => &[],
        };
        Ok(Self {
            format_version: FormatVersion,
            architecture: format!("resnet{depth}"),
            head: { classifier.iter().chain(&HEAD) }
                .map(|step| (*step).to_owned())
                .collect(),
            depth,
            embedding_size,
            classes,
            side_px: geometry.side_px(),
            resize_px: geometry.resize_px(),
            mean: MEAN,
            std: STD,
            preprocessing: Preprocessing::default(),
            images,
            temperature: 1.0,
            onnx: OnnxInterface::default(),
            test_time_flip: false,
            test_time_crops: one(),
        })
    }

    /// Returns whether the ResNet's own classifier is kept, between its features and the embedder.
    #[must_use]
    pub fn has_classifier(&self) -> bool {
        self.head.iter().any(|step| step == CLASSIFIER[0])
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
        let config = ModelConfig {
            format_version: FormatVersion,
            architecture: "resnet18".to_owned(),
            head: HEAD.map(str::to_owned).to_vec(),
            depth: 18,
            embedding_size: 4,
            classes: vec!["cat".to_owned(), "dog".to_owned()],
            side_px: 64,
            resize_px: 73,
            mean: [0.5; 3],
            std: [0.5; 3],
            preprocessing: Preprocessing::default(),
            images: ImageRules::default(),
            temperature: 1.0,
            onnx: OnnxInterface::default(),
            test_time_flip: false,
            test_time_crops: one(),
        };
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
