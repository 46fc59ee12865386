//! CPU kernels behind candle custom operations, and the same operations for GPUs.
