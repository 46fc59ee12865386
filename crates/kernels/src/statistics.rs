//! Moments of a batch.

use candle_core::Tensor;

/// The moments of a batch that update the running ones.
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    /// Mean of each channel, `[C]`.
    pub mean: Tensor,
    /// Unbiased variance of each channel, `[C]`, as PyTorch keeps it; 0 if a channel has a single value.
    pub variance: Tensor,
}
