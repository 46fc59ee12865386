//! The rectifier, with PyTorch's gradient.

use candle_core::{Result, Tensor};

use super::overridden;

/// `max(x, 0)`, elementwise; its gradient at 0 is 0, as in PyTorch (candle's own is 1).
///
/// # Errors
/// The device fails.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    let y = x.detach().relu()?;
    let passed = y.clone();
    overridden::of_one(x, &y, move |dy| {
        dy * passed.gt(0.0)?.to_dtype(dy.dtype())?
    })
}
