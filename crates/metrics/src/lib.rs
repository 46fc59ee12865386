//! Scores, reports and intervals of predictions.
//!
//! A [`ScoredPrediction`] is the result of one image. [`ConfusionCounts`] count such results, and every score, the
//! confusion matrix and the per-class report are computed from them; [`intervals`] resamples whole authors and computes
//! the same scores from the resampled counts. [`retrieval`] measures how well the nearest points share a label, and
//! [`retrieval_by_chance()`] is its value for random embeddings. [`calibration`] is about probabilities that agree with
//! frequencies.
//!
//! All metrics follow scikit-learn's conventions (1.9), named where each is computed. Letters of shapes: `N` images,
//! `K` classes, `D` dimensions.

mod bootstrap;
mod collection;
mod confusion_counts;
mod error;
mod retrieval_by_chance;
mod scored_prediction;

pub mod calibration;
pub mod retrieval;
pub mod streams;

pub use bootstrap::{Interval, bootstrap, intervals};
pub use collection::Collection;
pub use confusion_counts::{ClassMetrics, ConfusionCounts, Metric, Scores};
pub use error::MetricError;
pub use retrieval_by_chance::retrieval_by_chance;
pub use scored_prediction::ScoredPrediction;

#[cfg(test)]
mod tests;
