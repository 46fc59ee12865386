//! The rectifier, with PyTorch's gradient.

use candle_core::{Result, Tensor};

use super::custom_gradient;

/// `max(x, 0)`, elementwise, NaN where `x` is NaN; its gradient at 0 is 0.
///
/// Both are PyTorch's. candle's own `relu` turns NaN into 0 on every device, and has the gradient 1 at 0.
///
/// # Errors
/// The device fails.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    let input = x.detach();
    let stopped = input.le(0.0)?;
    let y = stopped.where_cond(&input.zeros_like()?, &input)?;
    custom_gradient::unary(x, &y, move |dy| stopped.where_cond(&dy.zeros_like()?, dy))
}
