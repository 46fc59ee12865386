//! Convolutions of networks that are no longer trained.

use candle_core::{Result, Tensor, bail};

use crate::cpu::batch_norm::Affine;
use crate::cpu::conv::Filter;
use crate::cpu::shape::ConvShape;
use crate::ops::batch_norm::affine;
use crate::ops::conv::filtered;
use crate::ops::slices::with_slice;
use crate::{Backend, Normalization};

/// A convolution and the normalization behind it, on CPU, with weights that no longer change: what the kernels make of
/// them is made once.
#[derive(Debug)]
pub struct ConstantConvolution {
    filter: Filter<'static>,
    /// `[O, C, K, K]`.
    dims: Vec<usize>,
    stride: usize,
    padding: usize,
    affine: Affine,
}

impl ConstantConvolution {
    /// The convolution with a copy of `weight` `[O, C, K, K]` and of the normalization's tensors, `[O]`.
    ///
    /// # Errors
    /// The tensors have another shape or type, or lie on another device.
    pub fn new(
        weight: &Tensor,
        stride: usize,
        padding: usize,
        norm: &Normalization<'_>,
    ) -> Result<Self> {
        let (n_outputs, _, _, _) = weight.dims4()?;
        if let Some(found) = norm.tensors().iter().find(|t| t.dims() != [n_outputs]) {
            bail!(
                "weights {:?} expect [{n_outputs}] parameters of the normalization, found {:?}",
                weight.shape(),
                found.shape()
            );
        }
        Ok(Self {
            filter: Filter::new(with_slice(&weight.contiguous()?, <[f32]>::to_vec)?),
            dims: weight.dims().to_vec(),
            stride,
            padding,
            affine: affine(norm)?,
        })
    }

    /// [`Backend::conv2d_batch_norm_eval`] of `x` `[B, H, W, C]`, but for rounding: there are algorithms that pay for
    /// constant weights alone. No gradients come back.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn forward(&self, x: &Tensor, residual: Option<&Tensor>, relu: bool) -> Result<Tensor> {
        let shape = ConvShape::new(x.dims(), &self.dims, self.stride, self.padding)?;
        Backend::Cpu.check_batch_norm(&shape.out_dims(), x.dtype(), &[], residual)?;
        filtered(x, &self.filter, &shape, &self.affine, residual, relu)
    }
}
