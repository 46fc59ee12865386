//! The operations on candle's backends, on `[B, C, H, W]`, for any device.
//!
//! candle's gradients of convolution are slow everywhere and wrong on Metal, that of overlapping max-pooling is
//! missing, and its ReLU passes the gradient at 0. So values are computed by candle's operations on detached tensors,
//! and gradients by the compositions here. Operands of convolution, products and pooling are contiguous: some
//! backends ignore strides and offsets.

pub(crate) mod batch_norm;
pub(crate) mod conv;
mod custom_gradient;
pub(crate) mod pool;
pub(crate) mod relu;
