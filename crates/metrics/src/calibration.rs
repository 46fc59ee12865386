//! Calibration: of all images whose confidence is 80 %, 80 % should be predicted correctly.
//!
//! [`Forecasts`] are measured by [`CalibrationMetrics`] and drawn as a diagram of [`reliability()`]. [`Temperature`]
//! calibrates a network's logits; [`OneAgainstRest`] calibrates any model's probabilities, by a [`Sigmoid`] or an
//! [`Isotonic`] curve a class. The fitted parameters are stored as [`Calibrators`]. All metrics are plain ones: every
//! image counts the same.

mod calibration_metrics;
mod calibrators;
mod chance;
mod forecasts;
mod isotonic;
mod one_against_rest;
mod reliability;
mod sigmoid;
mod temperature;

pub use calibration_metrics::{BootstrapTerms, CalibrationMetrics};
pub use calibrators::{Calibrators, ForestCalibrators, NetworkCalibrators};
pub use chance::ece_by_chance;
pub use forecasts::Forecasts;
pub use isotonic::Isotonic;
pub use one_against_rest::{Curve, OneAgainstRest};
pub use reliability::{Bin, reliability};
pub use sigmoid::Sigmoid;
pub use temperature::Temperature;

#[cfg(test)]
mod tests;
