//! What a model made of one image.

use numeric::{argmax, cross_entropy, rank};

use crate::MetricError;

/// A image's true class against the model's scores of all classes: all that the scores of a model need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgment {
    /// Code of the true class.
    pub actual: usize,
    /// Code of the class with the highest score; the first of equals, as `numpy.argmax`.
    pub predicted: usize,
    /// How many classes stand before the true one, from 0. Of equal scores the later class stands first, as in
    /// scikit-learn's `top_k_accuracy_score`.
    pub rank: usize,
    /// `−ln p` of the true class, in nats.
    pub loss: f64,
}

impl Judgment {
    /// By `logits` `[K]`; the probabilities are their softmax.
    ///
    /// # Errors
    /// A logit is not finite, or `actual` is not below `K`.
    pub fn of_logits(logits: &[f32], actual: usize) -> Result<Self, MetricError> {
        Self::new(logits, actual, |logits| cross_entropy(logits, actual, 1.0))
    }

    /// By `probabilities` `[K]`, which sum to 1. The loss takes them from `[ε, 1 − ε]` with the `ε` of 64-bit floats,
    /// as scikit-learn's `log_loss`, so that a share of no votes costs 36 and not infinity.
    ///
    /// # Errors
    /// A probability is not finite, or `actual` is not below `K`.
    pub fn of_probabilities(probabilities: &[f32], actual: usize) -> Result<Self, MetricError> {
        Self::new(probabilities, actual, |probabilities| {
            let probability = f64::from(probabilities[actual]);
            -probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
        })
    }

    fn new(
        scores: &[f32],
        actual: usize,
        loss: impl Fn(&[f32]) -> f64,
    ) -> Result<Self, MetricError> {
        if let Some((class, &value)) = scores.iter().enumerate().find(|(_, s)| !s.is_finite()) {
            return Err(MetricError::NotFinite { class, value });
        }
        let predicted = argmax(scores).ok_or(MetricError::NoScores)?;
        if actual >= scores.len() {
            return Err(MetricError::UnknownClass {
                code: actual,
                classes: scores.len(),
            });
        }
        Ok(Self {
            actual,
            predicted,
            rank: rank(scores, actual),
            loss: loss(scores),
        })
    }
}
