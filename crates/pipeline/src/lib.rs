//! The runner: it knows from `pipeline.toml` what is made from what, finds out
//! what changed, and runs only that.
//!
//! In the order of a command: the crate `workflow` reads what is declared, makes
//! stages concrete and orders them, the [`manifest`] of each
//! says what its result depends on (`draft` with its inputs, `closure` with its
//! code, from `cargo`'s knowledge), `plan` decides, and [`execute`] carries it out: `task` makes
//! a task of a stage, which the crate `executor` runs, `place` moves its
//! outputs in, and [`lock`] remembers. [`events`] tells what goes on.

mod accept;
mod auto;
pub mod cache;
mod cargo;
mod check;
mod checkout;
mod checks;
mod closure;
pub mod coherence;
pub mod device;
mod download;
mod draft;
pub mod error;
pub mod events;
pub mod execute;
mod executors;
pub mod fetch;
mod freeze;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod git;
mod in_order;
mod limits;
pub mod lock;
mod log;
pub mod manifest;
pub mod metrics;
mod mutex;
mod on_disk;
pub mod params_file;
mod place;
mod plan;
pub mod provenance;
mod refusals;
pub mod runs;
mod sources;
mod task;
mod tool;
pub mod tracked;
pub mod workspace;

pub use accept::Accept;
pub use error::{Error, Result};
pub use git::Revision;
pub use limits::Sandbox;
pub use plan::Explanation;
pub use store::Digest;
pub use workspace::Workspace;
