//! Runtime of a stage binary: job file, tables in and out, progress.
//!
//! A stage is three structs and one function:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use serde::Deserialize;
//! use stage::{Input, Output};
//! use table_folds::Fold;
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Params {
//!     seed: random::Seed,
//! }
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Inputs {
//!     folds: Input<Fold>,
//! }
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Outputs {
//!     copy: Output<Fold>,
//! }
//!
//! fn main() -> ExitCode {
//!     stage::main(run)
//! }
//!
//! fn run(_: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
//!     outputs.copy.write(inputs.folds.read()?)
//! }
//! ```
//!
//! The runner starts the binary with the path of a job file as its only argument. The job file is the whole interface:
//! any run can be repeated by hand.

mod facts;
mod input;
mod logging;
mod output;
mod progress;
mod request;
mod run;

pub use facts::Facts;
pub use input::{Input, InputPath};
pub use output::{Output, OutputPath, TableWriter};
pub use progress::{Epoch, Progress};
pub use run::{main, on_pool, scratch};
