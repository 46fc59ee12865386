//! Losses.
//!
//! Shapes: `B` batch, `K` classes.

use candle_core::{D, Tensor};
use candle_nn::ops::log_softmax;
use model::Output;

use crate::TrainError;

/// A loss of the network's outputs for images with labels.
pub trait Loss {
    /// The mean loss of `output` for `labels` (`B` class indices below `K`): a scalar that gradients flow through.
    ///
    /// # Errors
    /// A label is not a class, the shapes differ, or the device fails.
    fn mean(&self, output: &Output, labels: &[u32]) -> Result<Tensor, TrainError>;

    /// Divisor of the mean loss of these labels: the weight of a batch in the mean over batches.
    fn total_weight(&self, labels: &[u32]) -> f64;
}

/// Cross-entropy with class weights, label smoothing and focus on hard images.
///
/// With log-probabilities `l`, class weights `w`, labels `y`, smoothing `s` and focus `γ`, and
/// `fᵢ[c] = (1 − exp lᵢ[c])^γ · lᵢ[c]`:
/// `Σᵢ [(1 − s)·(−w[yᵢ]·fᵢ[yᵢ]) + s/K·Σ_c (−w[c]·fᵢ[c])] / Σᵢ w[yᵢ]`.
///
/// With γ = 0 it is PyTorch's `CrossEntropyLoss(weight, label_smoothing)` with reduction `mean`. The smoothing is
/// Szegedy et al. (2016, *Rethinking the Inception Architecture*, section 7); that its sum is weighted class by class,
/// and that both parts are divided by the weights of the true labels, is PyTorch's convention.
/// With γ > 0 and s = 0 it is the focal loss (Lin et al. 2017, *Focal Loss for Dense Object Detection*, eq. 5) of the
/// softmax, the class weights being its `α`. With both, every class's term of the smoothed sum has its own focus.
#[derive(Clone, Debug)]
pub struct CrossEntropy {
    class_weights: Vec<f32>, // [K]
    label_smoothing: f64,
    focal_gamma: f64,
}

impl CrossEntropy {
    /// The loss for `class_weights` `[K]`, each greater than 0, and `label_smoothing` in `[0, 1)`, without focus.
    pub fn new(class_weights: Vec<f32>, label_smoothing: f64) -> Self {
        Self {
            class_weights,
            label_smoothing,
            focal_gamma: 0.0,
        }
    }

    /// The same with focus `focal_gamma`, 0 or greater: the greater, the lower the weight of easy images.
    #[must_use]
    pub fn with_focus(self, focal_gamma: f64) -> Self {
        Self {
            focal_gamma,
            ..self
        }
    }

    /// The mean loss of `logits` `[B, K]` for `labels` (`B` class indices below `K`): a scalar that gradients flow through.
    ///
    /// # Errors
    /// A label is not a class, the shapes differ, or the device fails.
    pub fn forward(&self, logits: &Tensor, labels: &[u32]) -> Result<Tensor, TrainError> {
        let n_classes = self.class_weights.len();
        check_logits(logits, labels, n_classes)?;
        let device = logits.device();
        let weight_of_label: Vec<f32> = self.weights_of(labels).collect();
        let terms = self.terms(logits)?; // [B, K]

        let labels = Tensor::new(labels, device)?.unsqueeze(1)?; // [B, 1]
        let weight_of_label = Tensor::new(weight_of_label, device)?; // [B]
        let of_label = terms.gather(&labels, 1)?.squeeze(1)?; // [B]
        let mut sum = (of_label.mul(&weight_of_label)?.sum_all()? * -(1.0 - self.label_smoothing))?;
        if self.label_smoothing > 0.0 {
            let class_weights = Tensor::new(self.class_weights.as_slice(), device)?; // [K]
            let of_all = terms.broadcast_mul(&class_weights)?.sum_all()?;
            sum = (sum - (of_all * (self.label_smoothing / n_classes as f64))?)?;
        }
        Ok((sum / weight_of_label.sum_all()?)?)
    }

    /// The log-probabilities, times the focus if there is any, `[B, K]`.
    fn terms(&self, logits: &Tensor) -> Result<Tensor, TrainError> {
        // A power below 1 has an infinite slope where a probability rounds to 1.
        const LEAST: f64 = 1e-7;
        let log_probabilities = log_softmax(logits, D::Minus1)?;
        if self.focal_gamma <= 0.0 {
            return Ok(log_probabilities);
        }
        let others = (1.0 - log_probabilities.exp()?)?.maximum(LEAST)?;
        Ok((others.powf(self.focal_gamma)? * log_probabilities)?)
    }

    fn weights_of(&self, labels: &[u32]) -> impl Iterator<Item = f32> {
        labels
            .iter()
            .map(|&label| self.class_weights[label as usize])
    }
}

impl Loss for CrossEntropy {
    fn mean(&self, output: &Output, labels: &[u32]) -> Result<Tensor, TrainError> {
        self.forward(&output.logits, labels)
    }

    fn total_weight(&self, labels: &[u32]) -> f64 {
        self.weights_of(labels).map(f64::from).sum()
    }
}

/// Checks that `logits` are `[B, K]` with a label below `K` for each row.
///
/// # Errors
/// They are not.
pub fn check_logits(logits: &Tensor, labels: &[u32], n_classes: usize) -> Result<(), TrainError> {
    if let Some(&label) = labels.iter().find(|&&label| label as usize >= n_classes) {
        return Err(TrainError::NoSuchClass { label, n_classes });
    }
    if logits.dims() != [labels.len(), n_classes] {
        return Err(TrainError::LogitsShape {
            found: logits.dims().to_vec(),
            expected: [labels.len(), n_classes],
        });
    }
    Ok(())
}
