//! Execution of tasks: start, progress, end, kill, resources.
//!
//! A [`Task`] is a program with everything that is needed to run it. An [`Executor`] runs tasks and reports each
//! [`Update`] on them; the documentation of the trait is the contract between the runner and an implementation.
//! [`LocalExecutor`] runs tasks on this machine, each under a supervisor process, whose main function is [`supervise`].

mod error;
mod executor;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod interrupts;
mod lines;
mod local;
mod resources;
mod task;
mod update;

pub use error::ExecutorError;
pub use executor::Executor;
pub use interrupts::{Interrupted, Interrupts};
pub use lines::follow;
pub use local::{LocalExecutor, SUPERVISE, supervise};
pub use resources::{Allocation, Pool, Resources};
pub use task::{Task, TaskId};
pub use update::{Ending, MemoryKill, Reclaimed, Update, Usage};
