//! Trained and frozen networks at work: selection of a fold's model, and features of images.
//!
//! Predictions are those of [`trainer::evaluate()`], as tables.

mod error;
mod features;
mod select;

pub use error::InferenceError;
pub use features::{Frozen, featurize};
pub use select::{Rule, choose};
