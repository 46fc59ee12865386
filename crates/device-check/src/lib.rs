//! The check behind `device = "auto"`: parity of an accelerator with the CPU.

mod parity;
pub mod streams;

pub use parity::{Parity, TOLERANCE, parity};
