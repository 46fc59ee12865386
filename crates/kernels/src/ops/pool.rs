//! Pooling on CPU.

use candle_core::{Result, Tensor};

use super::output::output;
use super::slices::with_slice;
use crate::cpu::pool::{PoolShape, average, forward};

/// Maxima `[B, ⌈H/2⌉, ⌈W/2⌉, C]` of the 3×3 windows, stride 2, padding 1, of `x` `[B, H, W, C]`, and their positions in the
/// windows.
pub(crate) fn max_pool(x: &Tensor, shape: &PoolShape) -> Result<(Tensor, Vec<u8>)> {
    let (y, taps) = with_slice(&x.contiguous()?, |x| forward(x, shape))?;
    Ok((output("max-pool", y, &shape.out_dims(), [x])?, taps))
}

/// Means `[B, C]` over the pixels of `x` `[B, H, W, C]`.
pub(crate) fn average_pool(x: &Tensor, shape: &PoolShape) -> Result<Tensor> {
    let y = with_slice(&x.contiguous()?, |x| average(x, shape))?;
    output("average-pool", y, (shape.batch, shape.channels), [x])
}

/// The sizes of activations `[B, H, W, C]`.
pub(crate) fn shape(x: &Tensor) -> Result<PoolShape> {
    let (batch, height, width, channels) = x.dims4()?;
    Ok(PoolShape {
        batch,
        height,
        width,
        channels,
    })
}
