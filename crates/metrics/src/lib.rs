//! Scores, reports and intervals of predictions.
//!
//! A [`ScoredPrediction`] is the result of one image. [`ConfusionCounts`] count such results, and every score, the
//! confusion matrix and the per-class report are computed from them; [`intervals()`] are their uncertainty by
//! the variation between authors, and [`differences`] are those of two models. [`retrieval`] measures how well
//! the nearest points share a label, and [`retrieval_by_chance()`] is its value for random embeddings.
//! [`cross_validation`] scores every fold in an epoch that the fold has not selected; [`chance`] and [`largest_class`]
//! are the baselines beside it. [`calibration`] is about probabilities that agree with frequencies.
//!
//! All metrics follow scikit-learn's conventions (1.9), named where each is computed. Letters of shapes: `N` images,
//! `K` classes, `D` dimensions.

mod baselines;
mod collection;
mod confusion_counts;
mod error;
mod metric;
mod retrieval_by_chance;
mod scored_prediction;
mod weighted_counts;

pub mod calibration;
pub mod cross_validation;
pub mod intervals;
pub mod retrieval;
pub mod streams;
pub mod text;

pub use baselines::{chance, ensemble, largest_class};
pub use collection::{Collection, n_authors};
pub use confusion_counts::{ClassMetrics, ConfusionCounts};
pub use error::MetricError;
pub use intervals::{
    Clusters, Difference, Interval, Pairing, Sample, differences, intervals, single_unit_classes,
};
pub use metric::{Metric, Scores};
pub use retrieval_by_chance::retrieval_by_chance;
pub use scored_prediction::ScoredPrediction;

#[cfg(test)]
mod tests;
