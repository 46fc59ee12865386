//! The ledger: runs, provenance, metrics, sources and downloads, care of the cache, the workspace lock.
//!
//! Nothing here runs a stage or decides about one: the runner calls it and never the other way round.

use std::path::{Path, PathBuf};

pub mod cache;
pub mod check_stamp;
mod download;
pub mod error;
pub mod fetch;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod metrics;
pub mod provenance;
pub mod revision;
pub mod runs;
pub mod sha256;
pub mod source_lock;
pub mod sources;
pub mod states;
pub mod tables;
mod transfer;
pub mod workspace_lock;

pub use error::{Error, Result};

/// The runner's folder in the workspace root: cache, logs, work under way.
pub const FOLDER: &str = ".atelier";

/// The path of `name` in the runner's folder.
pub fn own(root: &Path, name: &str) -> PathBuf {
    root.join(FOLDER).join(name)
}
