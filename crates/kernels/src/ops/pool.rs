//! Pooling on CPU.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::slices::{numbers, tensor, with_slice};
use crate::cpu::pool::{PoolShape, average, average_backward, backward, forward};

/// Maxima `[B, ⌈H/2⌉, ⌈W/2⌉, C]` of the 3×3 windows, stride 2, padding 1, of `x` `[B, H, W, C]`.
pub(crate) fn max_pool(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(MaxPool {
        shape: shape(x)?,
        taps: OnceLock::new(),
    })
}

/// Means `[B, C]` over the pixels of `x` `[B, H, W, C]`.
pub(crate) fn average_pool(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(AveragePool(shape(x)?))
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

struct MaxPool {
    shape: PoolShape,
    /// Positions of the maxima, set by the forward pass.
    taps: OnceLock<Vec<u8>>,
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "max-pool-channels-last"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let s = &self.shape;
        let (y, taps) = forward(numbers(x, layout)?, s);
        if self.taps.set(taps).is_err() {
            bail!("max-pool went forward twice");
        }
        Ok((CpuStorage::F32(y), Shape::from(&s.out_dims())))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let Some(taps) = self.taps.get() else {
            bail!("max-pool goes backward before forward")
        };
        let dx = with_slice(&dy.contiguous()?, |dy| backward(dy, taps, &self.shape))?;
        tensor(dx, x.shape()).map(Some)
    }
}

struct AveragePool(PoolShape);

impl CustomOp1 for AveragePool {
    fn name(&self) -> &'static str {
        "average-pool-channels-last"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let y = average(numbers(x, layout)?, &self.0);
        Ok((CpuStorage::F32(y), (self.0.batch, self.0.channels).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dx = with_slice(&dy.contiguous()?, |dy| average_backward(dy, &self.0))?;
        tensor(dx, x.shape()).map(Some)
    }
}
