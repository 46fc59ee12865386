//! Tasks: start, progress, end, kill, resources; on this machine.

mod error;
mod interrupts;
pub mod local;
mod resources;

pub use error::ExecutorError;
pub use interrupts::{Interrupted, Interrupts};
pub use local::supervisor::{Ending, Usage};
pub use resources::{Resources, Room, Share};
