//! Cross-entropy with class weights and label smoothing.
//!
//! Shapes: `B` batch, `K` classes.

use candle_core::{D, Tensor};
use candle_nn::ops::log_softmax;

use crate::TrainError;

/// Cross-entropy as PyTorch's `CrossEntropyLoss(weight, label_smoothing)` with reduction `mean`.
///
/// With log-probabilities `l`, class weights `w`, labels `y` and smoothing `s`:
/// `Σᵢ [(1 − s)·(−w[yᵢ]·lᵢ[yᵢ]) + s/K·Σ_c (−w[c]·lᵢ[c])] / Σᵢ w[yᵢ]`.
/// The smoothing is Szegedy et al. (2016, *Rethinking the Inception Architecture*, section 7); that its sum is weighted
/// class by class, and that both parts are divided by the weights of the true labels, is PyTorch's convention.
#[derive(Clone, Debug)]
pub struct CrossEntropy {
    class_weights: Vec<f32>, // [K]
    label_smoothing: f64,
}

impl CrossEntropy {
    /// The loss for `class_weights` `[K]`, each greater than 0, and `label_smoothing` in `[0, 1)`.
    pub fn new(class_weights: Vec<f32>, label_smoothing: f64) -> Self {
        Self {
            class_weights,
            label_smoothing,
        }
    }

    /// The mean loss of `logits` `[B, K]` for `labels` (`B` codes below `K`): a scalar that gradients flow through.
    ///
    /// # Errors
    /// A label is not a class, the shapes differ, or the device fails.
    pub fn forward(&self, logits: &Tensor, labels: &[u32]) -> Result<Tensor, TrainError> {
        let n_classes = self.class_weights.len();
        if let Some(&label) = labels.iter().find(|&&label| label as usize >= n_classes) {
            return Err(TrainError::NoSuchClass { label, n_classes });
        }
        if logits.dims() != [labels.len(), n_classes] {
            return Err(TrainError::LogitsShape {
                found: logits.dims().to_vec(),
                expected: [labels.len(), n_classes],
            });
        }
        let device = logits.device();
        let weight_of_label: Vec<f32> = self.weights_of(labels).collect();
        let log_probabilities = log_softmax(logits, D::Minus1)?; // [B, K]

        let labels = Tensor::new(labels, device)?.unsqueeze(1)?; // [B, 1]
        let weight_of_label = Tensor::new(weight_of_label, device)?; // [B]
        let of_label = log_probabilities.gather(&labels, 1)?.squeeze(1)?; // [B]
        let mut sum = (of_label.mul(&weight_of_label)?.sum_all()? * -(1.0 - self.label_smoothing))?;
        if self.label_smoothing > 0.0 {
            let class_weights = Tensor::new(self.class_weights.as_slice(), device)?; // [K]
            let of_all = log_probabilities.broadcast_mul(&class_weights)?.sum_all()?;
            sum = (sum - (of_all * (self.label_smoothing / n_classes as f64))?)?;
        }
        Ok((sum / weight_of_label.sum_all()?)?)
    }

    /// What the mean loss of these labels was divided by: the weight of a batch in the mean over batches.
    pub fn total_weight(&self, labels: &[u32]) -> f64 {
        self.weights_of(labels).map(f64::from).sum()
    }

    fn weights_of(&self, labels: &[u32]) -> impl Iterator<Item = f32> {
        labels
            .iter()
            .map(|&label| self.class_weights[label as usize])
    }
}

/// A weight for each class: 1 over its number of pictures, so that every class counts the same.
///
/// `counts` `[K]` are the training pictures of each class, each greater than 0.
pub fn inverse_counts(counts: &[usize]) -> Vec<f32> {
    counts.iter().map(|&count| 1.0 / count as f32).collect()
}
