//! The operations, whatever computes their gradients.

use candle_core::{Result, Tensor};

use crate::{BatchStatistics, Normalization};

/// The operations of a ResNet: those of a [`Backend`](crate::Backend), or recorded on a [`Tape`](crate::Tape).
///
/// Activations have the layout of the backend; those of a tape are `[B, H, W, C]`.
pub trait Operations {
    /// Convolution of activations `x` with `weight` `[O, C, K, K]`, without bias, groups or dilation.
    ///
    /// Gradients of arguments that need none, as of the images, are not computed.
    ///
    /// # Errors
    /// Shapes do not fit: ranks other than 4, different channels, a kernel larger than the padded image or not
    /// larger than the padding.
    fn conv2d(&self, x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor>;

    /// Batch normalization by the batch's own moments: `relu(γ (x − μ) / √(σ² + ε) + β + residual)`.
    ///
    /// `gamma` and `beta` are `[C]`, `residual` has the shape of `x`; σ² is the biased variance. The statistics
    /// carry no gradient.
    ///
    /// # Errors
    /// Shapes do not fit.
    fn batch_norm_train(
        &self,
        x: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        epsilon: f64,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<(Tensor, BatchStatistics)>;

    /// Batch normalization by given moments, with the residual and the ReLU of [`Operations::batch_norm_train`].
    ///
    /// # Errors
    /// Shapes do not fit.
    fn batch_norm_eval(
        &self,
        x: &Tensor,
        norm: &Normalization<'_>,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<Tensor>;

    /// [`Operations::batch_norm_eval`] of [`Operations::conv2d`], to the bit. [`Backend::Cpu`](crate::Backend::Cpu) does
    /// both in one pass over the activations.
    ///
    /// # Errors
    /// Those of the two operations.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the operands of two operations"
    )]
    fn conv2d_batch_norm_eval(
        &self,
        x: &Tensor,
        weight: &Tensor,
        stride: usize,
        padding: usize,
        norm: &Normalization<'_>,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<Tensor> {
        let y = self.conv2d(x, weight, stride, padding)?;
        self.batch_norm_eval(&y, norm, residual, relu)
    }

    /// Maxima of the 3×3 windows, stride 2, padding 1: `H × W` become `⌈H/2⌉ × ⌈W/2⌉`.
    ///
    /// The gradient goes to the first maximum of a window, as in PyTorch.
    ///
    /// # Errors
    /// The rank is not 4, or the activations are empty.
    fn max_pool(&self, x: &Tensor) -> Result<Tensor>;

    /// Mean over all pixels: activations become `[B, C]`.
    ///
    /// # Errors
    /// The rank is not 4, or the activations are empty.
    fn average_pool(&self, x: &Tensor) -> Result<Tensor>;
}
