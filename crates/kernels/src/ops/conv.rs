//! Convolution on CPU.

use candle_core::{Result, Tensor};

use super::output::output;
use super::slices::with_slice;
use crate::cpu::batch_norm::{Affine, Epilogue};
use crate::cpu::conv::{self, Forms};
use crate::cpu::shape::ConvShape;

/// Output `[B, P, Q, O]` of `x` `[B, H, W, C]` and `weight` `[O, C, K, K]`, of the `shape`.
pub(crate) fn conv2d(x: &Tensor, weight: &Tensor, shape: &ConvShape) -> Result<Tensor> {
    let run = |x: &[f32], w: &[f32]| conv::forward(x, w, None, shape, None);
    let y = with_slice(&x.contiguous()?, |x| {
        with_slice(&weight.contiguous()?, |w| run(x, w))
    })??;
    output("conv2d", y, &shape.out_dims(), [x, weight])
}

/// [`conv2d`], then the map of each channel, the sum with `residual`, and the ReLU, in one pass. `forms` are those of
/// constant weights.
pub(crate) fn conv2d_affine(
    x: &Tensor,
    weight: &Tensor,
    forms: Option<&Forms>,
    shape: &ConvShape,
    affine: &Affine,
    residual: Option<&Tensor>,
    relu: bool,
) -> Result<Vec<f32>> {
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    let run = |residual: Option<&[f32]>| {
        let epilogue = Epilogue {
            affine,
            residual,
            relu,
        };
        let run = |x: &[f32], w: &[f32]| conv::forward(x, w, forms, shape, Some(epilogue));
        with_slice(&x, |x| with_slice(&weight, |w| run(x, w)))?
    };
    match residual {
        Some(residual) => with_slice(&residual.contiguous()?, |residual| run(Some(residual)))?,
        None => run(None),
    }
}
