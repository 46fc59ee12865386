//! Attribution: the parts of an image that a prediction depends on, [`occlusion()`] by blanking them, [`grad_cam()`] by
//! gradients.
//!
//! Letters of shapes: `H` and `W` height and width of an image in pixels, `C` channels of a layer, `K` classes,
//! `G` cells of an occlusion map along each side.

mod cam;
mod error;
mod occlusion;
mod pick;
mod probability;
pub mod streams;

pub use cam::{cam_layer, grad_cam};
pub use error::AttributionError;
pub use occlusion::{OcclusionWindows, occlusion, range};
pub use pick::{Limits, pick};
