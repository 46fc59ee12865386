//! The kernels on tensors of the CPU.

pub(crate) mod batch_norm;
pub(crate) mod conv;
pub(crate) mod output;
pub(crate) mod pool;
pub(crate) mod slices;
