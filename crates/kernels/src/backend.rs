//! Choice between this crate's kernels and candle's operations.

use candle_core::{DType, Device, Result, Tensor, bail};

use crate::cpu::shape::ConvShape;
use crate::ops::output::output;
use crate::{BatchStatistics, Normalization, Operations, ops, reference};

/// Implementation of the operations, and layout of the activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// This crate's kernels, on CPU: activations are `[B, H, W, C]`, `f32`. Gradients are those of a
    /// [`Tape`](crate::Tape); candle's `backward` fails at the results.
    Cpu,
    /// candle's operations with custom gradients under its autograd, on any device: activations are `[B, C, H, W]`.
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

impl Operations for Backend {
    fn conv2d(&self, x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
        match self {
            Self::Cpu => {
                let shape = ConvShape::new(x.dims(), weight.dims(), stride, padding)?;
                ops::conv::conv2d(x, weight, &shape)
            }
            Self::Reference => reference::conv::conv2d(x, weight, stride, padding),
        }
    }

    fn batch_norm_train(
        &self,
        x: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        eps: f64,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<(Tensor, BatchStatistics)> {
        self.check_batch_norm(x.dims(), x.dtype(), &[gamma, beta], residual)?;
        match self {
            Self::Cpu => {
                let (affine, statistics) = ops::batch_norm::affine_of_batch(x, gamma, beta, eps)?;
                let parameters = [gamma, beta];
                let y = ops::batch_norm::normalize(x, &affine, parameters, residual, relu)?;
                Ok((y, statistics))
            }
            Self::Reference => reference::batch_norm::train(x, gamma, beta, eps, residual, relu),
        }
    }

    fn batch_norm_eval(
        &self,
        x: &Tensor,
        norm: &Normalization<'_>,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<Tensor> {
        self.check_batch_norm(x.dims(), x.dtype(), &norm.tensors(), residual)?;
        match self {
            Self::Cpu => {
                let affine = ops::batch_norm::affine(norm)?;
                let parameters = [norm.gamma, norm.beta];
                ops::batch_norm::normalize(x, &affine, parameters, residual, relu)
            }
            Self::Reference => reference::batch_norm::eval(x, norm, residual, relu),
        }
    }

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
        match self {
            Self::Cpu => {
                let shape = ConvShape::new(x.dims(), weight.dims(), stride, padding)?;
                self.check_batch_norm(&shape.out_dims(), x.dtype(), &norm.tensors(), residual)?;
                let affine = ops::batch_norm::affine(norm)?;
                let y = ops::conv::conv2d_affine(x, weight, None, &shape, &affine, residual, relu)?;
                let operands = [x, weight, norm.gamma, norm.beta].into_iter();
                output("conv2d", y, &shape.out_dims(), operands.chain(residual))
            }
            Self::Reference => {
                let y = self.conv2d(x, weight, stride, padding)?;
                self.batch_norm_eval(&y, norm, residual, relu)
            }
        }
    }

    fn max_pool(&self, x: &Tensor) -> Result<Tensor> {
        check_pool(x)?;
        match self {
            Self::Cpu => Ok(ops::pool::max_pool(x, &ops::pool::shape(x)?)?.0),
            Self::Reference => reference::pool::max_pool(x),
        }
    }

    fn average_pool(&self, x: &Tensor) -> Result<Tensor> {
        check_pool(x)?;
        match self {
            Self::Cpu => ops::pool::average_pool(x, &ops::pool::shape(x)?),
            Self::Reference => x.flatten_from(2)?.mean(2),
        }
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
