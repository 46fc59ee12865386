//! From logits to probabilities.

use candle_core::Tensor;
use model::{Mode, Network};

use crate::ExplainError;

/// The probabilities of logits `[K]`; they sum to 1.
#[must_use]
pub fn softmax(logits: &[f32]) -> Vec<f64> {
    // Shifted by the largest, no exponential overflows.
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> = logits
        .iter()
        .map(|&logit| f64::from(logit - largest).exp())
        .collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|value| value / sum).collect()
}

/// The probability of `class` for each of the images `[B, H, W, 3]`.
pub(crate) fn of_class(
    network: &Network,
    images: &Tensor,
    class: usize,
) -> Result<Vec<f64>, ExplainError> {
    let logits: Vec<Vec<f32>> = network.forward(images, Mode::Eval)?.logits.to_vec2()?;
    Ok(logits.iter().map(|row| softmax(row)[class]).collect())
}

/// Refuses a class that the network doesn't know.
pub(crate) fn check_class(network: &Network, class: usize) -> Result<(), ExplainError> {
    let n_classes = network.config().n_classes;
    if class < n_classes {
        return Ok(());
    }
    Err(ExplainError::NoSuchClass { class, n_classes })
}
