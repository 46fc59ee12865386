//! Probabilities of the network.

use candle_core::Tensor;
use model::{Mode, Network};
use numeric::softmax;

use crate::AttributionError;

/// Probability of `class` for each of the images `[B, H, W, 3]`.
pub(crate) fn of_class(
    network: &Network,
    images: &Tensor,
    class: usize,
) -> Result<Vec<f64>, AttributionError> {
    let logits: Vec<Vec<f32>> = network.forward(images, Mode::Eval)?.logits.to_vec2()?;
    Ok(logits.iter().map(|row| softmax(row, 1.0)[class]).collect())
}

/// Fails for a class that the network doesn't have.
pub(crate) fn check_class(network: &Network, class: usize) -> Result<(), AttributionError> {
    let n_classes = network.config().n_classes;
    if class < n_classes {
        return Ok(());
    }
    Err(AttributionError::NoSuchClass { class, n_classes })
}
