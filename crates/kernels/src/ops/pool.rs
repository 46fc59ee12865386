//! Max-pooling on CPU.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::slices::{numbers, tensor, with_slice};
use crate::cpu::pool::{PoolShape, backward, forward};

/// Maxima `[B, ⌈H/2⌉, ⌈W/2⌉, C]` of the 3×3 windows, stride 2, padding 1, of `x` `[B, H, W, C]`.
pub(crate) fn max_pool(x: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    let shape = PoolShape {
        batch,
        height,
        width,
        channels,
    };
    x.contiguous()?.apply_op1(MaxPool {
        shape,
        taps: OnceLock::new(),
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
        Ok((
            CpuStorage::F32(y),
            (s.batch, s.out_height(), s.out_width(), s.channels).into(),
        ))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let Some(taps) = self.taps.get() else {
            bail!("max-pool goes backward before forward")
        };
        let dx = with_slice(&dy.contiguous()?, |dy| backward(dy, taps, &self.shape))?;
        tensor(dx, x.shape()).map(Some)
    }
}
