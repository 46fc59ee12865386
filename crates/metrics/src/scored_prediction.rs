//! Result of a model for one image, as scores need it.

use numeric::{argmax, clamped_loss, cross_entropy, rank};

use crate::MetricError;

/// True and predicted class of an image, with rank and loss of the true class: all that scores need of a prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoredPrediction {
    /// Index of the true class.
    pub actual: usize,
    /// Index of the class with the highest score; the first of equals, as `numpy.argmax`.
    pub predicted: usize,
    /// Number of classes that precede the true one, from 0. Of equal scores the later class precedes, as in
    /// scikit-learn's `top_k_accuracy_score`.
    pub rank: usize,
    /// `−ln p` of the true class, in nats, by [`clamped_loss`].
    pub loss: f64,
}

impl ScoredPrediction {
    /// Scores `logits` `[K]`; the probabilities are their softmax.
    ///
    /// # Errors
    /// A logit is not finite, or `actual` is not below `K`.
    pub fn of_logits(logits: &[f32], actual: usize) -> Result<Self, MetricError> {
        Self::new(logits, actual, |logits| {
            clamped_loss(cross_entropy(logits, actual, 1.0))
        })
    }

    /// Scores `probabilities` `[K]`, which sum to 1.
    ///
    /// # Errors
    /// A probability is not finite, or `actual` is not below `K`.
    pub fn of_probabilities(probabilities: &[f32], actual: usize) -> Result<Self, MetricError> {
        Self::new(probabilities, actual, |probabilities| {
            clamped_loss(-f64::from(probabilities[actual]).ln())
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
                class_index: actual,
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
