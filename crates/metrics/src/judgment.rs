//! What a model made of one picture.

use crate::MetricError;

/// A picture's true class against the model's scores of all classes: all that the scores of a model need.
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
        Self::new(logits, actual, |logits| {
            let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let shifted = |logit: f32| f64::from(logit) - f64::from(highest);
            let sum: f64 = logits.iter().map(|&logit| shifted(logit).exp()).sum();
            sum.ln() - shifted(logits[actual])
        })
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
        let Some(&own) = scores.get(actual) else {
            return Err(MetricError::UnknownClass {
                code: actual,
                classes: scores.len(),
            });
        };
        let before =
            |(class, score): (usize, &f32)| *score > own || (class > actual && *score >= own);
        Ok(Self {
            actual,
            predicted,
            rank: scores
                .iter()
                .enumerate()
                .filter(|&entry| before(entry))
                .count(),
            loss: loss(scores),
        })
    }
}

/// The first index of the highest value.
pub(crate) fn argmax<T: PartialOrd + Copy>(values: &[T]) -> Option<usize> {
    let mut best = None;
    for (i, &value) in values.iter().enumerate() {
        if best.is_none_or(|best: usize| value > values[best]) {
            best = Some(i);
        }
    }
    best
}
