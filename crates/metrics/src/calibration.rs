//! Calibration: of all images whose confidence is 80 %, 80 % should be predicted correctly.
//!
//! [`Forecasts`] are measured by [`CalibrationMetrics`]; an [`Evaluation`] has their intervals by author, the calibration
//! error by chance, and the diagram of reliability. [`Temperature`] calibrates a network's logits; [`OneAgainstRest`]
//! calibrates any model's probabilities, by a [`Sigmoid`] or an [`Isotonic`] curve a class. Calibrators are evaluated on
//! images of other folds or authors than they were fitted to, by [`CrossFitted`]. The parameters fitted to all images are
//! stored as [`Calibrators`]. All metrics are plain ones: every image counts the same.

mod calibration_metrics;
mod calibrators;
mod chance;
mod cross_fitting;
mod evaluation;
mod forecasts;
mod isotonic;
mod one_against_rest;
mod reliability;
mod sigmoid;
mod temperature;

pub use calibration_metrics::CalibrationMetrics;
pub use calibrators::{Calibrators, ForestCalibrators, NetworkCalibrators};
pub use chance::Chance;
pub use cross_fitting::{CrossFitted, author_groups, unseen_classes};
pub use evaluation::Evaluation;
pub use forecasts::Forecasts;
pub use isotonic::Isotonic;
pub use one_against_rest::{Curve, OneAgainstRest};
pub use reliability::Bin;
pub use sigmoid::Sigmoid;
pub use temperature::Temperature;

#[cfg(test)]
mod tests;
