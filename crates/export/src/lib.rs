//! Export of the selected model for other tools: the weights' [`ModelConfig`] and the network as ONNX.
//!
//! Letters of shapes: `N` images, `S` their side in pixels, `K` classes, `D` dimensions of the embedding, `O` and `C`
//! channels that leave and enter a convolution.

mod config;
mod error;
mod graph;
pub mod onnx;
mod weights;

pub use config::{ImageRules, ModelConfig};
pub use error::ExportError;
pub use graph::onnx_model;
pub use weights::Weights;
