//! Probabilities that mean what they say: of all images of which a model is 80 % sure, it should be right on 80 %.
//!
//! [`Forecasts`] are judged by [`Quality`] and seen in a diagram of [`reliability()`]. [`Temperature`] mends a network's
//! logits; [`OneAgainstRest`] mends any model's probabilities, by a [`Sigmoid`] or an [`Isotonic`] curve a class. What
//! was fitted is kept as [`Calibrators`]. All figures are plain ones: every image counts the same.

mod calibrators;
mod chance;
mod forecasts;
mod isotonic;
mod one_against_rest;
mod quality;
mod reliability;
mod sigmoid;
mod temperature;

pub use calibrators::{Calibrators, ForestCalibrators, NetworkCalibrators};
pub use chance::ece_by_chance;
pub use forecasts::Forecasts;
pub use isotonic::Isotonic;
pub use one_against_rest::{Curve, OneAgainstRest};
pub use quality::{Quality, Resampled};
pub use reliability::{Bin, reliability};
pub use sigmoid::Sigmoid;
pub use temperature::Temperature;

#[cfg(test)]
mod tests;
