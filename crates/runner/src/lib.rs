//! The runner: it finds out what changed, and runs only that.
//!
//! In the order of a command: the crate `workflow` reads what is declared, makes
//! stages concrete and orders them, `keys` says what the result of each
//! depends on, [`observe`] looks, [`decide`] decides, [`plan`] for
//! many at once, and [`execute`] carries it out: `task` makes
//! a task of a stage, which the crate `executor` runs, `staging` moves its
//! outputs in, and the `ledger` remembers. [`events`] tells what goes on.

pub mod accelerator;
pub mod accept;
mod build;
pub mod checkout;
pub mod clear;
pub mod coherence;
pub mod decide;
pub mod device_trial;
pub mod error;
pub mod events;
pub mod execute;
mod executors;
mod forecast;
pub mod freeze;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod job_fault;
mod limits;
mod log;
#[cfg(test)]
mod memory;
mod missing_inputs;
mod name_check;
pub mod observe;
mod observer;
mod ordered;
mod output_check;
pub mod plan;
pub mod prebuild;
pub mod predicted;
pub mod program;
pub mod program_name;
mod refusals;
mod staging;
mod state;
pub mod status;
pub mod tables;
mod task;
pub mod workspace;

pub use error::{Error, Result};
pub use limits::Sandbox;
pub use workspace::Workspace;
