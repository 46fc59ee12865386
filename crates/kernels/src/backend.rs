//! Choice between this crate's kernels and candle's operations.

use candle_core::{DType, Device, Result, Tensor, bail};

use crate::{BatchStatistics, Normalization, cpu::shape::ConvShape, ops, reference};

/// Implementation of the operations, and layout of the activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// This crate's kernels, on CPU: activations are `[B, H, W, C]`, `f32`.
    Cpu,
    /// candle's operations with custom gradients, on any device: activations are `[B, C, H, W]`.
    Reference,
}

impl Backend {
    /// [`Backend::Cpu`] for the CPU, [`Backend::Reference`] for other devices.
    pub fn of(device: &Device) -> Self {
        if device.is_cpu() {
            Self::Cpu
        } else {
            Self::Reference
        }
    }

    /// Dimension of the channels in activations.
    pub fn channel_dim(self) -> usize {
        match self {
            Self::Cpu => 3,
            Self::Reference => 1,
        }
    }

    /// Pixels `[B, H, W, C]` in this backend's layout.
    ///
    /// # Errors
    /// The rank is not 4.
    pub fn images(self, pixels: &Tensor) -> Result<Tensor> {
        pixels.dims4()?;
        match self {
            Self::Cpu => pixels.contiguous(),
            Self::Reference => pixels.permute((0, 3, 1, 2))?.contiguous(),
        }
    }

    /// Convolution of activations `x` with `weight` `[O, C, K, K]`, without bias, groups or dilation.
    ///
    /// Gradients of arguments that need none, as of the images, are not computed.
    ///
    /// # Errors
    /// Shapes do not fit: ranks other than 4, different channels, a kernel larger than the padded image or not
    /// larger than the padding.
    pub fn conv2d(
        self,
        x: &Tensor,
        weight: &Tensor,
        stride: usize,
        padding: usize,
    ) -> Result<Tensor> {
        match self {
            Self::Cpu => ops::conv::conv2d(x, weight, stride, padding),
            Self::Reference => reference::conv::conv2d(x, weight, stride, padding),
        }
    }

    /// Batch normalization by the batch's own moments: `relu(γ (x − μ) / √(σ² + ε) + β + residual)`.
    ///
    /// `gamma` and `beta` are `[C]`, `residual` has the shape of `x`; σ² is the biased variance. The statistics
    /// carry no gradient.
    ///
    /// # Errors
    /// Shapes do not fit.
    pub fn batch_norm_train(
        self,
        x: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        eps: f64,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<(Tensor, BatchStatistics)> {
        self.check_batch_norm(x.dims(), x.dtype(), &[gamma, beta], residual)?;
        match self {
            Self::Cpu => ops::batch_norm::train(x, gamma, beta, eps, residual, relu),
            Self::Reference => reference::batch_norm::train(x, gamma, beta, eps, residual, relu),
        }
    }

    /// Batch normalization by given moments, with the residual and the ReLU of [`Backend::batch_norm_train`].
    ///
    /// # Errors
    /// Shapes do not fit.
    pub fn batch_norm_eval(
        self,
        x: &Tensor,
        norm: &Normalization<'_>,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<Tensor> {
        self.check_batch_norm(x.dims(), x.dtype(), &norm.tensors(), residual)?;
        match self {
            Self::Cpu => ops::batch_norm::eval(x, norm, residual, relu),
            Self::Reference => reference::batch_norm::eval(x, norm, residual, relu),
        }
    }

    /// [`Backend::batch_norm_eval`] of [`Backend::conv2d`], to the bit. Where no operand needs a gradient, the CPU does
    /// both in one pass over the activations.
    ///
    /// # Errors
    /// Those of the two operations.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the operands of two operations"
    )]
    pub fn conv2d_batch_norm_eval(
        self,
        x: &Tensor,
        weight: &Tensor,
        stride: usize,
        padding: usize,
        norm: &Normalization<'_>,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<Tensor> {
        let operands = [x, weight, norm.gamma, norm.beta];
        let needs_gradient = operands.into_iter().chain(residual).any(Tensor::track_op);
        if self == Self::Cpu && !needs_gradient {
            let shape = ConvShape::new(x.dims(), weight.dims(), stride, padding)?;
            self.check_batch_norm(&shape.out_dims(), x.dtype(), &norm.tensors(), residual)?;
            let affine = ops::batch_norm::affine(norm)?;
            ops::conv::conv2d_affine(x, weight, None, &shape, &affine, residual, relu)
        } else {
            let y = self.conv2d(x, weight, stride, padding)?;
            self.batch_norm_eval(&y, norm, residual, relu)
        }
    }

    /// Maxima of the 3×3 windows, stride 2, padding 1: `H × W` become `⌈H/2⌉ × ⌈W/2⌉`.
    ///
    /// The gradient goes to the first maximum of a window, as in PyTorch.
    ///
    /// # Errors
    /// The rank is not 4, or the activations are empty.
    pub fn max_pool(self, x: &Tensor) -> Result<Tensor> {
        check_pool(x)?;
        match self {
            Self::Cpu => ops::pool::max_pool(x),
            Self::Reference => reference::pool::max_pool(x),
        }
    }

    /// Mean over all pixels: activations become `[B, C]`.
    ///
    /// # Errors
    /// The rank is not 4, or the activations are empty.
    pub fn average_pool(self, x: &Tensor) -> Result<Tensor> {
        check_pool(x)?;
        match self {
            Self::Cpu => ops::pool::average_pool(x),
            Self::Reference => x.flatten_from(2)?.mean(2),
        }
    }

    /// Checks the operands of a batch normalization of activations `dims`.
    pub(crate) fn check_batch_norm(
        self,
        dims: &[usize],
        dtype: DType,
        per_channel: &[&Tensor],
        residual: Option<&Tensor>,
    ) -> Result<()> {
        let &[_, _, _, _] = dims else {
            bail!("batch-norm expects activations of rank 4, found {dims:?}");
        };
        let channels = dims[self.channel_dim()];
        if let Some(found) = per_channel.iter().find(|t| t.dims() != [channels]) {
            bail!(
                "batch-norm of activations {dims:?} expects [{channels}] parameters, found {:?}",
                found.shape()
            );
        }
        if let Some(residual) = residual.filter(|r| r.dims() != dims) {
            bail!(
                "batch-norm: activations {dims:?} and residual {:?} differ in shape",
                residual.shape()
            );
        }
        if dims.contains(&0) {
            bail!("batch-norm of nothing: activations {dims:?}");
        }
        if self == Self::Cpu && dtype != DType::F32 {
            bail!("batch-norm on CPU expects f32, found {dtype:?}");
        }
        Ok(())
    }
}

/// Checks the activations of a pooling.
pub(crate) fn check_pool(x: &Tensor) -> Result<()> {
    x.dims4()?;
    if x.elem_count() == 0 {
        bail!("pooling of nothing: activations {:?}", x.shape());
    }
    Ok(())
}
