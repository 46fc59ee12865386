//! The learning rate by epoch and parameter group.

use model::ParameterGroup;

/// A learning rate that falls by the same factor each epoch (PyTorch's `ExponentialLR`).
#[derive(Clone, Copy, Debug)]
pub struct ExponentialDecay {
    start: f64,
    decay: f64,
    decay_epochs: f64,
}

impl ExponentialDecay {
    /// Starts at `start` and reaches `start · decay` after `decay_epochs` epochs.
    pub fn new(start: f64, decay: f64, decay_epochs: f64) -> Self {
        Self {
            start,
            decay,
            decay_epochs,
        }
    }

    /// The learning rate during `epoch`, counted from 0: `start · decay^(epoch / decay_epochs)`.
    pub fn at(&self, epoch: usize) -> f64 {
        self.start * self.decay.powf(epoch as f64 / self.decay_epochs)
    }
}

/// Factors of the learning rate for parameter groups; that of the embedder is 1.
#[derive(Clone, Copy, Debug)]
pub struct LrFactors {
    /// Factor of the ResNet.
    pub backbone: f64,
    /// Factor of the head.
    pub head: f64,
}

impl LrFactors {
    /// The factor of the parameter called `name`.
    pub fn of(&self, name: &str) -> f64 {
        match ParameterGroup::of(name) {
            ParameterGroup::Backbone => self.backbone,
            ParameterGroup::Embedder => 1.0,
            ParameterGroup::Head => self.head,
        }
    }
}
