//! Experiments with a pipeline: states beside the current one, and their comparison.
//!
//! An [`experiment`] is a run of the pipeline with other parameters, a [`search`] runs it until it has found better ones,
//! a [`comparison`] puts states beside each other, a [`watch`] brings stages up to date whenever something changes, and
//! a [`drawing`] shows the graph.
//!
//! Nothing is printed here. Functions return values, and where stages run, the caller carries out the run ([`Repro`]) and
//! shows its progress.

pub mod comparison;
pub mod drawing;
pub mod error;
pub mod experiment;
pub mod metrics;
mod params_file;
pub mod repro;
pub mod search;
pub mod state;
pub mod watch;

pub use error::{Error, Result};
pub use repro::Repro;
