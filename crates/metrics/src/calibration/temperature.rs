//! Temperature scaling.

use argmin::{
    core::{CostFunction, Error, Executor},
    solver::brent::BrentOpt,
};
use numeric::{cross_entropy, softmax};
use serde::{Deserialize, Serialize};

use crate::{MetricError, ScoredPrediction};

/// Range of temperatures that is searched. For a network that is right on every image, lower is always better.
const RANGE: (f64, f64) = (0.01, 100.0);
/// Tolerance of the temperature's logarithm: below it, rounding hides the differences.
const TOLERANCE: f64 = 1e-9;
/// Maximum number of steps; far fewer are needed.
const MAX_STEPS: u64 = 500;

/// Divisor of logits before the softmax (Guo, Pleiss, Sun and Weinberger 2017, §4.2): above 1 it lowers a network's
/// confidence, below 1 it raises it. The order of the classes stays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Temperature(f64);

impl Temperature {
    /// The plain softmax.
    pub const ONE: Self = Self(1.0);

    /// The temperature, from 0.01 to 100, of the least log-loss of `logits` `[N][K]` for the true classes `actual`
    /// `[N]`; by Brent's method over its logarithm.
    ///
    /// # Errors
    /// There are no images, or not as many true classes; a logit is not finite, or a true class not below `K`.
    pub fn fit(logits: &[&[f32]], actual: &[usize]) -> Result<Self, MetricError> {
        if logits.len() != actual.len() {
            return Err(MetricError::Length {
                list: "true classes",
                found: actual.len(),
                expected: logits.len(),
            });
        }
        if logits.is_empty() {
            return Err(MetricError::NoImages);
        }
        for (logits, &actual) in logits.iter().zip(actual) {
            ScoredPrediction::of_logits(logits, actual)?;
        }
        let solver = BrentOpt::new(RANGE.0.ln(), RANGE.1.ln()).set_tolerance(TOLERANCE, TOLERANCE);
        let result = Executor::new(LogLoss { logits, actual }, solver)
            .configure(|state| state.max_iters(MAX_STEPS))
            .run()
            .map_err(|error| MetricError::Minimizer(error.to_string()))?;
        let best = result.state.best_param.map(f64::exp);
        best.map(Self)
            .ok_or_else(|| MetricError::Minimizer("no step was taken".to_owned()))
    }

    /// The divisor.
    pub fn value(self) -> f64 {
        self.0
    }

    /// Probabilities `[K]` of `logits` `[K]`, which are finite.
    pub fn apply(self, logits: &[f32]) -> Vec<f64> {
        softmax(logits, self.0)
    }
}

impl TryFrom<f64> for Temperature {
    type Error = MetricError;

    fn try_from(value: f64) -> Result<Self, MetricError> {
        if value > 0.0 && value.is_finite() {
            Ok(Self(value))
        } else {
            Err(MetricError::Temperature(value))
        }
    }
}

impl From<Temperature> for f64 {
    fn from(temperature: Temperature) -> Self {
        temperature.0
    }
}

/// The log-loss by the logarithm of the temperature. It isn't clamped, so that it has a slope everywhere.
struct LogLoss<'a> {
    logits: &'a [&'a [f32]],
    actual: &'a [usize],
}

impl CostFunction for LogLoss<'_> {
    type Param = f64;
    type Output = f64;

    fn cost(&self, ln_temperature: &f64) -> Result<f64, Error> {
        let temperature = ln_temperature.exp();
        let loss =
            |(logits, &actual): (&&[f32], &usize)| cross_entropy(logits, actual, temperature);
        let images = self.logits.iter().zip(self.actual);
        Ok(images.map(loss).sum::<f64>() / self.actual.len() as f64)
    }
}
