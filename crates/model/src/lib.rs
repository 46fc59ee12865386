//! The network: a ResNet with or without its 1000-way classifier, an embedder and a head.
//!
//! `images → ResNet → features → (Linear → 1000 → ReLU →) Linear → embedding → ReLU → Linear → logits`
//!
//! Layers, names and shapes are torchvision's, so weights pass between the two in both directions.
//! All arithmetic of the ResNet goes through `kernels`: fused operations on the CPU, candle's own elsewhere; the network
//! itself is written once.
//!
//! Letters in shapes: `B` images, `H` and `W` their height and width in pixels, `C` channels,
//! `D` embedding dimensions, `K` classes.

mod block;
mod config;
mod device;
mod error;
mod gradients;
mod initializer;
mod layer;
mod memory;
mod mode;
mod network;
mod parameter_group;
mod resnet_layer;
pub mod weights;

pub use config::{Config, Depth, UnknownDepth};
pub use device::device;
pub use error::ModelError;
pub use gradients::LossGradients;
pub use memory::images_together;
pub use mode::{Freeze, Mode};
pub use network::{Network, Output};
pub use parameter_group::{ParameterGroup, layers_behind};
pub use resnet_layer::ResnetLayer;
