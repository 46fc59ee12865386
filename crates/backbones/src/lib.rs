//! Pretrained networks of other architectures than the study's own, frozen: what leaves their last block.
//!
//! The networks are candle-transformers', their names and tensors those of timm, the library that most weights come
//! from. This crate takes minutes to compile: the runner builds it for studies that name such a network, and for no
//! others.
//!
//! Letters of shapes: `B` pictures, `C` channels.

mod architecture;
mod backbone;
mod error;
mod name;
mod weights;

pub use architecture::Architecture;
pub use backbone::Backbone;
pub use error::BackboneError;
pub use name::Name;
