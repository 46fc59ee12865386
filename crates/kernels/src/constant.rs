//! Convolutions of networks that are no longer trained.

use candle_core::{Result, Tensor, bail};

use crate::cpu::batch_norm::Affine;
use crate::cpu::conv::Forms;
use crate::cpu::shape::ConvShape;
use crate::ops::batch_norm::affine;
use crate::ops::conv::conv2d_affine;
use crate::ops::output::output;
use crate::{Backend, Normalization};

/// A convolution and the normalization behind it, on CPU, with weights that no longer change: packed and transformed
/// weights are kept, the latter of four times their size.
#[derive(Debug)]
pub struct ConstantConvolution {
    /// `[O, C, K, K]`, contiguous.
    weight: Tensor,
    forms: Forms,
    stride: usize,
    padding: usize,
    affine: Affine,
}

impl ConstantConvolution {
    /// The convolution with `weight` `[O, C, K, K]`, which must not change any more, and the normalization, `[O]`.
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
            weight: weight.contiguous()?.detach(),
            forms: Forms::default(),
            stride,
            padding,
            affine: affine(norm)?,
        })
    }

    /// [`Operations::conv2d_batch_norm_eval`](crate::Operations::conv2d_batch_norm_eval) of `x` `[B, H, W, C]`, but for
    /// rounding: there are algorithms that pay for constant weights alone. It is recorded on no tape.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn forward(&self, x: &Tensor, residual: Option<&Tensor>, relu: bool) -> Result<Tensor> {
        let shape = ConvShape::new(x.dims(), self.weight.dims(), self.stride, self.padding)?;
        Backend::Cpu.check_batch_norm(&shape.out_dims(), x.dtype(), &[], residual)?;
        let (forms, affine) = (Some(&self.forms), &self.affine);
        let y = conv2d_affine(x, &self.weight, forms, &shape, affine, residual, relu)?;
        let operands = [x].into_iter().chain(residual);
        output("conv2d", y, &shape.out_dims(), operands)
    }
}
