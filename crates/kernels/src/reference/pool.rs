//! Max-pooling 3×3, stride 2, padding 1, as two passes of one dimension.
//!
//! Columns come first: then a tie goes to the first pixel of the window in reading order, as in PyTorch.

use candle_core::{Result, Tensor};

use super::custom_gradient;

/// Maxima `[B, C, ⌈H/2⌉, ⌈W/2⌉]` of the windows of `x` `[B, C, H, W]`.
pub(crate) fn max_pool(x: &Tensor) -> Result<Tensor> {
    pool_dimension(&pool_dimension(x, 3)?, 2)
}

/// Maxima of each even element with its two neighbors, along `dim`.
fn pool_dimension(x: &Tensor, dim: usize) -> Result<Tensor> {
    let [before, even, after] = neighbors(&x.detach(), dim)?;
    let y = larger(&larger(&before, &even)?, &after)?;
    let (len, maxima) = (x.dim(dim)?, y.clone());
    custom_gradient::unary(x, &y, move |dy| {
        let is_before = before.eq(&maxima)?.to_dtype(dy.dtype())?;
        let is_even = (even.eq(&maxima)?.to_dtype(dy.dtype())? * (1.0 - &is_before)?)?;
        let to_before = (dy * is_before)?;
        let to_even = (dy * is_even)?;
        let to_after = ((dy - &to_before)? - &to_even)?;
        // An odd element is after one even element and before the next.
        let n = to_before.dim(dim)?;
        let to_odd = (to_after + to_before.narrow(dim, 1, n - 1)?.pad_with_zeros(dim, 0, 1)?)?;
        let interleaved = Tensor::stack(&[to_even, to_odd], dim + 1)?;
        interleaved
            .flatten(dim, dim + 1)?
            .narrow(dim, 0, len)?
            .contiguous()
    })
}

/// The larger of two, elementwise; NaN where either is NaN, as in PyTorch. candle's `maximum` drops NaN on GPUs.
fn larger(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let numbers = b.le(a)?.where_cond(a, b)?; // NaN in `b` stays.
    a.ne(a)?.where_cond(a, &numbers)
}

/// Elements `2i − 1`, `2i` and `2i + 1` of `x` along `dim`; −∞ outside.
fn neighbors(x: &Tensor, dim: usize) -> Result<[Tensor; 3]> {
    let border = x.narrow(dim, 0, 1)?.shape().clone();
    let border = Tensor::full(f32::NEG_INFINITY, border, x.device())?.to_dtype(x.dtype())?;
    let len = x.dim(dim)?;
    let x = if len.is_multiple_of(2) {
        x.clone()
    } else {
        Tensor::cat(&[x, &border], dim)?
    };
    let mut shape = x.dims().to_vec();
    let n = len.div_ceil(2);
    shape.splice(dim..=dim, [n, 2]);
    let pairs = x.contiguous()?.reshape(shape)?;
    let half = |i: usize| pairs.narrow(dim + 1, i, 1)?.squeeze(dim + 1)?.contiguous();
    let (even, odd) = (half(0)?, half(1)?);
    let before = if n > 1 {
        Tensor::cat(&[&border, &odd.narrow(dim, 0, n - 1)?], dim)?
    } else {
        border
    };
    Ok([before, even, odd])
}
