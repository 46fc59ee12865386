//! A case: the same work on both sides.

use serde_json::Value;

use crate::answer::Measurement;
use crate::workbench::Workbench;

/// Work that is measured on both sides.
pub(crate) struct Case {
    /// Name on the command line and in the table.
    pub(crate) name: &'static str,
    /// Peers, each measured after ours in every round.
    pub(crate) peers: &'static [Peer],
    /// Figure that tells how well the work was done.
    pub(crate) quality: Option<Quality>,
    /// Runs by `--only` alone: it takes minutes.
    pub(crate) by_name_only: bool,
    /// Makes data and inputs of both sides.
    pub(crate) prepare: fn(&Workbench) -> anyhow::Result<Vec<Work>>,
}

/// The other side of a case.
pub(crate) struct Peer {
    /// Name of the package.
    pub(crate) name: &'static str,
    /// Name of its implementation in `peers.py`.
    pub(crate) function: &'static str,
    /// Largest ratio of our seconds to the peer's that is aimed at.
    pub(crate) goal: f64,
}

/// Figure that tells how well the work was done.
#[derive(Clone, Copy)]
pub(crate) struct Quality {
    /// Name in the table.
    pub(crate) name: &'static str,
    /// Largest relative difference of the two sides, where both compute the same number.
    pub(crate) tolerance: Option<f64>,
}

/// A row of the table: work with its inputs made.
pub(crate) struct Work {
    /// Sizes, as the table has them.
    pub(crate) size: String,
    /// Inputs, as `peers.py` reads them.
    pub(crate) request: Value,
    /// Our implementation, timed by itself: what it prepares doesn't count.
    pub(crate) ours: Ours,
    /// A first round that doesn't count: it fills caches, and compiles what Python compiles at the first call.
    pub(crate) warm_up: bool,
}

/// Our implementation of a case.
pub(crate) type Ours = Box<dyn FnMut() -> anyhow::Result<Measurement>>;
