//! Export of the selected model for other tools: the weights' [`ModelConfig`], the network as ONNX, and an
//! [`EXAMPLE`] that uses both.
//!
//! Letters of shapes: `N` images, `S` their side in pixels, `K` classes, `D` dimensions of the embedding, `O` and `C`
//! channels that leave and enter a convolution.

mod calibration;
mod config;
mod error;
mod graph;
mod interface;
pub mod onnx;
mod preprocessing;
mod weights;

pub use calibration::{Calibration, NetworkCalibration};
pub use config::{FormatVersion, ImageRules, ModelConfig, OnnxInterface};
pub use error::ExportError;
pub use graph::onnx_model;
pub use preprocessing::{
    Color, Crop, Interpolation, Layout, Preprocessing, Resize, Rounding, Transparency,
};
pub use weights::Weights;

/// A program in Python that predicts images by the exported files alone. Its logits are those of the study within some
/// hundredths: other decoders and resizers round some bytes otherwise.
pub const EXAMPLE: &str = include_str!("example.py");
