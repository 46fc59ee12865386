//! Operations of a convolutional network: fast on CPU, correct on every device.
//!
//! candle's own convolutions are several times slower than PyTorch's on CPU, and some of its gradients are
//! missing or wrong. This crate offers the few [`Operations`] that a ResNet needs:
//!
//! - [`Backend::Cpu`] runs the kernels of this crate: activations `[B, H, W, C]`, so that every inner loop is over
//!   channels. Gradients are those of a [`Tape`], which runs the same kernels and records them; candle's autograd has none;
//! - [`Backend::Reference`] runs candle's operations, with custom gradients under its autograd: activations
//!   `[B, C, H, W]`.
//!
//! On CPU, inference with weights that no longer change goes by [`ConstantConvolution`]s.
//!
//! Weights are `[O, C, K, K]` in both, as torchvision stores them, so that a checkpoint fits either.
//!
//! The results of the CPU kernels do not depend on the number of threads, to the bit: work is cut in pieces of
//! fixed size, each output is written by one piece, and partial sums are merged in a fixed order.
//!
//! Shapes: `B` images, `H` rows, `W` columns, `C` input channels, `O` output channels, `K` kernel side,
//! `P` rows and `Q` columns of the output.

mod adam;
mod allocator;
mod backend;
mod constant;
mod cpu;
mod device;
mod flat_adam;
mod lerp;
mod normalization;
mod operations;
mod ops;
mod reference;
mod statistics;
mod tape;

pub use adam::{AdamStep, WeightDecay, adam_step};
pub use allocator::CachingAllocator;
pub use backend::Backend;
pub use constant::ConstantConvolution;
pub use device::{configure, memory_bytes};
pub use flat_adam::{AdamUpdate, FlatMoments};
pub use lerp::lerp;
pub use normalization::Normalization;
pub use operations::Operations;
pub use reference::relu::relu;
pub use statistics::BatchStatistics;
pub use tape::Tape;

#[cfg(test)]
mod tests;
