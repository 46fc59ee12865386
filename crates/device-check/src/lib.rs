//! Parity of an accelerator with the CPU: the comparison of a training step, behind `device = "auto"`, and that of each
//! operation with its times, behind `cargo xtask doctor`.

mod comparison;
mod document;
mod facts;
mod failure;
mod fixture;
mod measure;
mod memory;
mod named;
mod operation;
mod parity;
mod side;
mod step;
pub mod streams;
pub mod text;

pub use comparison::{Check, ResultError, Row, check_parity, row};
pub use document::{Document, Target, Verdict};
pub use facts::{Auto, DeviceFacts, Facts, Processor};
pub use failure::chain;
pub use measure::{REPEATS, Times};
pub use memory::{GIB, fitting, step_bytes};
pub use operation::{Fusion, Kind, Operation, operations};
pub use parity::{Parity, TOLERANCE, parity};
pub use side::{Layout, Side};
pub use step::{STEP_REPEATS, Settings, Step, StepTime, batch_size, step};
