//! Features from frozen pretrained networks of other architectures.
//!
//! The networks are candle-transformers', their names and tensors those of timm, the usual source of weights. This crate
//! takes minutes to compile: the runner builds it only if the settings name such a network.
//!
//! Letters of shapes: `B` images, `C` channels.

mod architecture;
mod backbone;
mod error;
mod name;
mod weights;

pub use architecture::Architecture;
pub use backbone::Backbone;
pub use error::BackboneError;
pub use name::Name;
