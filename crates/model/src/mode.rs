//! Modes of the forward pass, and frozen parts.

/// Purpose of a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch-norm normalizes by the batch and updates its running statistics by it
    /// (PyTorch's momentum 0.1, unbiased variance); gradients can be computed.
    Train,
    /// Batch-norm normalizes by its running statistics; nothing is kept for gradients.
    Eval,
}

/// Parts of the network that training does not change.
///
/// A frozen part gets no gradient, and none is computed for it where nothing before it needs one.
/// Its batch-norm still works in train mode unless that is frozen too: in [`Mode::Train`] it normalizes by the batch and
/// its running statistics change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freeze {
    /// The ResNet up to its pooled features.
    pub cnn: bool,
    /// The ResNet's own classifier, `fc`.
    pub fc: bool,
    /// The running statistics of the ResNet's batch-norms, by which they normalize in [`Mode::Train`], too. Scales and
    /// shifts are trained all the same.
    pub batch_norm: bool,
}
