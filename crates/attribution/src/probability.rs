//! From logits to probabilities.

use candle_core::Tensor;
use model::{Mode, Network};
use numeric::softmax;

use crate::ExplainError;

/// The probability of `class` for each of the images `[B, H, W, 3]`.
pub(crate) fn of_class(
    network: &Network,
    images: &Tensor,
    class: usize,
) -> Result<Vec<f64>, ExplainError> {
    let logits: Vec<Vec<f32>> = network.forward(images, Mode::Eval)?.logits.to_vec2()?;
    Ok(logits.iter().map(|row| softmax(row, 1.0)[class]).collect())
}

/// Refuses a class that the network doesn't know.
pub(crate) fn check_class(network: &Network, class: usize) -> Result<(), ExplainError> {
    let n_classes = network.config().n_classes;
    if class < n_classes {
        return Ok(());
    }
    Err(ExplainError::NoSuchClass { class, n_classes })
}
