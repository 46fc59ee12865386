//! The learning rate, epoch by epoch.

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
