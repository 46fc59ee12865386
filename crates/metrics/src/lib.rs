//! Scores, reports and intervals of predictions.
//!
//! A [`ScoredPrediction`] is the result of one image. [`ConfusionCounts`] count such results, and every score, the
//! confusion matrix and the per-class report are computed from them; [`intervals`] resamples whole authors and computes
//! the same scores from the resampled counts. [`retrieval`] measures how well the nearest points share a label.
//! [`cross_validation`] scores every fold in an epoch that the fold has not selected, and [`chance`] and [`largest_class`]
//! are the baselines beside it. [`calibration`] is about probabilities that agree with frequencies.
//!
//! All metrics follow scikit-learn's conventions (1.9), named where each is computed. Letters of shapes: `N` images,
//! `K` classes, `D` dimensions.

mod baselines;
mod bootstrap;
mod collection;
mod confusion_counts;
mod error;
mod scored_prediction;

pub mod calibration;
pub mod cross_validation;
pub mod retrieval;
pub mod streams;

pub use baselines::{chance, ensemble, largest_class};
pub use bootstrap::{Interval, bootstrap, intervals};
pub use collection::Collection;
pub use confusion_counts::{ClassMetrics, ConfusionCounts, Metric, Scores};
pub use error::MetricError;
pub use scored_prediction::ScoredPrediction;

#[cfg(test)]
mod tests;
