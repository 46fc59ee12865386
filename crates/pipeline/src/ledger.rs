//! The ledger: runs, provenance, metrics, sources and downloads, care of the cache, the workspace lock.
//!
//! Nothing here runs a stage or decides about one: the runner calls it and never the other way round.

pub mod cache;
pub(crate) mod check_stamp;
mod download;
pub mod fetch;
pub mod metrics;
pub mod provenance;
pub(crate) mod revision;
pub mod runs;
pub mod sources;
pub(crate) mod tables;
pub(crate) mod workspace_lock;
