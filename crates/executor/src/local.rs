//! Tasks on this machine, each under a supervisor.

pub(crate) mod cgroup;
pub mod client;
pub mod reclaim;
pub mod supervisor;
