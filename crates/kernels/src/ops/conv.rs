//! Convolution on CPU.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::slices::{numbers, tensor, with_slice};
use crate::cpu::batch_norm::{Affine, Epilogue};
use crate::cpu::conv::{self, Forms};
use crate::cpu::shape::ConvShape;

/// Output `[B, P, Q, O]` of `x` `[B, H, W, C]` and `weight` `[O, C, K, K]`.
pub(crate) fn conv2d(x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    let shape = ConvShape::new(x.dims(), weight.dims(), stride, padding)?;
    let op = Conv {
        shape,
        x_needs_gradient: x.track_op(),
        weight_needs_gradient: weight.track_op(),
    };
    x.contiguous()?.apply_op2(&weight.contiguous()?, op)
}

/// [`conv2d`] of the `shape`, then the map of each channel, the sum with `residual`, and the ReLU, in one pass and without
/// gradients. `forms` are those of constant weights.
pub(crate) fn conv2d_affine(
    x: &Tensor,
    weight: &Tensor,
    forms: Option<&Forms>,
    shape: &ConvShape,
    affine: &Affine,
    residual: Option<&Tensor>,
    relu: bool,
) -> Result<Tensor> {
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    let run = |residual: Option<&[f32]>| {
        let epilogue = Epilogue {
            affine,
            residual,
            relu,
        };
        let run = |x: &[f32], w: &[f32]| conv::forward(x, w, forms, shape, Some(epilogue));
        let y = with_slice(&x, |x| with_slice(&weight, |w| run(x, w)))??;
        tensor(y, &shape.out_dims())
    };
    match residual {
        Some(residual) => with_slice(&residual.contiguous()?, |residual| run(Some(residual)))?,
        None => run(None),
    }
}

struct Conv {
    shape: ConvShape,
    x_needs_gradient: bool,
    weight_needs_gradient: bool,
}

impl CustomOp2 for Conv {
    fn name(&self) -> &'static str {
        "conv2d-channels-last"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let s = &self.shape;
        let y = conv::forward(numbers(x, xl)?, numbers(w, wl)?, None, s, None);
        Ok((CpuStorage::F32(y), Shape::from(&s.out_dims())))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        with_slice(&dy, |dy| {
            let dx = self.x_needs_gradient.then(|| {
                let dx = with_slice(w, |w| conv::input_gradient(dy, w, &self.shape))?;
                tensor(dx, x.shape())
            });
            let dw = self.weight_needs_gradient.then(|| {
                let dw = with_slice(x, |x| conv::weight_gradient(x, dy, &self.shape))?;
                tensor(dw, w.shape())
            });
            Ok((dx.transpose()?, dw.transpose()?))
        })?
    }
}
