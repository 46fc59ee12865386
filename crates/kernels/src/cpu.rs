//! The kernels, on slices; of candle, its error type alone.

pub(crate) mod adam;
pub(crate) mod batch_norm;
pub(crate) mod buffer;
pub(crate) mod conv;
pub(crate) mod elementwise;
mod few_pixels;
mod gemm;
mod im2col;
pub(crate) mod lerp;
mod pack;
pub(crate) mod pool;
pub(crate) mod shape;
mod simd;
mod winograd;

#[cfg(test)]
mod tests;
