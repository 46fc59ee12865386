//! A curve for each class.

use serde::{Deserialize, Serialize};

use super::Forecasts;
use crate::MetricError;

/// A curve from the probability that a model gives a class to the share of images that are of it.
pub trait Curve {
    /// Fits the curve to `values` `[N]`, at least one, and to whether each image is of the class.
    fn fit(values: &[f64], is_class: &[bool]) -> Self;

    /// Calibrated probability, in `[0, 1]`, of the model's `value`.
    fn apply(&self, value: f64) -> f64;
}

/// A calibrator that fits each class against all others and normalizes the results (Zadrozny and Elkan 2002), as
/// scikit-learn's `CalibratedClassifierCV`. A class of which no image, or every image, is among those fitted to has no
/// curve: its probability is the model's, before all are normalized. (scikit-learn fits a curve to it all the same,
/// which gives the class a probability of 0.)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OneAgainstRest<C> {
    /// By class index; none for a class that could not be fitted.
    curves: Vec<Option<C>>,
}

impl<C: Curve> OneAgainstRest<C> {
    /// Fits a curve for each class of `forecasts` that some images, and not all, are of.
    pub fn fit(forecasts: &Forecasts) -> Self {
        let curve = |class| {
            let (values, is_class) = forecasts.class(class);
            let has_both = is_class.contains(&true) && is_class.contains(&false);
            has_both.then(|| C::fit(&values, &is_class))
        };
        Self {
            curves: (0..forecasts.n_classes()).map(curve).collect(),
        }
    }

    /// The curves `[K]`; none for a class that could not be fitted.
    pub fn curves(&self) -> &[Option<C>] {
        &self.curves
    }

    /// Calibrated probabilities `[K]` of a model's `probabilities` `[K]`. All classes get the same where every curve is
    /// 0.
    ///
    /// # Errors
    /// The calibrator was fitted to another `K`.
    pub fn apply(&self, probabilities: &[f64]) -> Result<Vec<f64>, MetricError> {
        if probabilities.len() != self.curves.len() {
            return Err(MetricError::Classes {
                found: probabilities.len(),
                expected: self.curves.len(),
            });
        }
        let pairs = self.curves.iter().zip(probabilities);
        let raw = pairs.map(|(curve, &p)| curve.as_ref().map_or(p, |curve| curve.apply(p)));
        let raw: Vec<f64> = raw.collect();
        let sum: f64 = raw.iter().sum();
        let normalized = |p: f64| {
            if sum > 0.0 {
                p / sum
            } else {
                1.0 / raw.len() as f64
            }
        };
        Ok(raw.iter().copied().map(normalized).collect())
    }
}
