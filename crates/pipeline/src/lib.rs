//! The runner: it knows from `pipeline.toml` what is made from what, finds out
//! what changed, and runs only that.
//!
//! In the order of a command: the crate `workflow` reads what is declared, makes
//! stages concrete and orders them, the [`manifest`] of each
//! says what its result depends on ([`inputs`], and `code` with its `closure`,
//! from `cargo`'s knowledge), [`observe`] looks, [`decide`] decides, [`plan`] for
//! many at once, and [`execute`] carries it out: `task` makes
//! a task of a stage, which the crate `executor` runs, `place` moves its
//! outputs in, and [`lock`] remembers. [`events`] tells what goes on.

pub mod accept;
mod auto;
mod cargo;
mod check;
pub mod checkout;
mod checks;
pub mod clear;
mod closure;
mod code;
pub mod coherence;
pub mod decide;
pub mod device;
pub mod error;
pub mod events;
pub mod execute;
mod executors;
pub mod freeze;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod in_order;
pub mod inputs;
pub mod ledger;
mod limits;
pub mod lock;
mod log;
pub mod manifest;
#[cfg(test)]
mod memory;
mod missing_inputs;
pub mod observe;
mod observer;
mod on_disk;
mod place;
pub mod plan;
pub mod predicted;
pub mod program;
pub mod reason;
mod refusals;
pub mod status;
pub mod tables;
mod task;
mod tool;
pub mod workspace;

pub use error::{Error, Result};
pub use ledger::revision::Revision;
pub use limits::Sandbox;
pub use store::Digest;
pub use workspace::Workspace;
