//! How a network is run, and which of its parts are trained.

/// What a forward pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch-norm normalizes by the batch and moves its running statistics by a tenth towards it
    /// (PyTorch's momentum 0.1, unbiased variance); gradients can be taken.
    Train,
    /// Batch-norm normalizes by its running statistics; nothing is kept for gradients.
    Eval,
}

/// Parts of the network that training leaves as they are.
///
/// A frozen part gets no gradient, and none is computed for it where nothing before it needs one.
/// As in the study, its batch-norm still works in train mode: in [`Mode::Train`] it normalizes by the
/// batch and its running statistics move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freeze {
    /// The ResNet up to its pooled features.
    pub cnn: bool,
    /// The ResNet's own classifier, `fc`.
    pub fc: bool,
}
