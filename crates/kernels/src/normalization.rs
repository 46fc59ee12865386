//! Batch normalization with given moments.

use candle_core::Tensor;

/// Parameters and moments of a batch normalization, `γ (x − μ) / √(σ² + ε) + β` for each channel. The moments carry no
/// gradient.
#[derive(Clone, Copy, Debug)]
pub struct Normalization<'a> {
    /// γ, `[C]`.
    pub gamma: &'a Tensor,
    /// β, `[C]`.
    pub beta: &'a Tensor,
    /// μ, `[C]`.
    pub mean: &'a Tensor,
    /// σ², `[C]`.
    pub variance: &'a Tensor,
    /// ε, positive or 0.
    pub epsilon: f64,
}

impl<'a> Normalization<'a> {
    /// The tensors, all `[C]`.
    pub(crate) fn tensors(&self) -> [&'a Tensor; 4] {
        [self.gamma, self.beta, self.mean, self.variance]
    }
}
