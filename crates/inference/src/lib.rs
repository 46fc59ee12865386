//! Inference: selection of a fold's model, predictions, and features of images.
//!
//! Predictions are those of [`trainer::evaluate()`], as tables.

mod error;
mod features;
mod select;

pub use error::InferenceError;
pub use features::{FrozenNetwork, extract_features};
pub use select::{Rule, select_fold};
