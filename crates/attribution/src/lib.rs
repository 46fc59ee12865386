//! What the network looks at in an image: [`occlusion()`] asks by blanking parts of it, [`grad_cam()`] by gradients.
//!
//! Letters of shapes: `H` and `W` height and width of an image in pixels, `C` channels of the last block, `K` classes,
//! `G` cells of an occlusion map along each side.

mod cam;
mod error;
mod occlusion;
mod pick;
mod probability;
pub mod streams;

pub use cam::grad_cam;
pub use error::ExplainError;
pub use occlusion::{Squares, amplitude, occlusion};
pub use pick::{Limits, pick};
