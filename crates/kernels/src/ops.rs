//! The kernels as candle operations with gradients.

pub(crate) mod batch_norm;
pub(crate) mod conv;
pub(crate) mod custom_gradient;
pub(crate) mod pool;
pub(crate) mod relu;
pub(crate) mod slices;
