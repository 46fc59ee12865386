//! Scores, reports and intervals of predictions.
//!
//! A [`Judgment`] is what a model made of one image. A [`Tally`] counts judgments, and every score, the confusion
//! matrix and the per-class report are read off it; [`intervals`] resamples whole authors and reads the same scores off
//! the resampled tallies. [`retrieval`] says how well the nearest points share a label. [`calibration`] is about
//! probabilities that mean what they say.
//!
//! All figures follow scikit-learn's conventions (1.9), named where each is computed. Letters of shapes: `N` images,
//! `K` classes, `D` dimensions.

mod bootstrap;
mod collection;
mod confusion_counts;
mod error;
mod scored_prediction;

pub mod calibration;
pub mod retrieval;
pub mod streams;

pub use bootstrap::{Interval, bootstrap, intervals};
pub use collection::Collection;
pub use confusion_counts::{ClassFigures, Metric, Scores, Tally};
pub use error::MetricError;
pub use scored_prediction::Judgment;

#[cfg(test)]
mod tests;
