//! The command line of searches.

use clap::Subcommand;
use runner::program_name::PROGRAM;

use super::common::{Confine, Params};

/// Searches, each declared in `studies/NAME.toml`.
#[derive(Debug, Subcommand)]
pub(crate) enum Study {
    /// Try what the study asks for, as far as it isn't known yet
    #[command(after_help = format!("\
A trial is a run of the pipeline with other parameters, beside the current state: what the
cache has is restored. A study that was stopped continues when it is run again.

Examples:
  {PROGRAM} study run demo
  {PROGRAM} study run paintings --set images.folder=PATH"))]
    Run {
        /// Which study
        name: String,
        #[command(flatten)]
        params: Params,
        #[command(flatten)]
        confine: Confine,
        /// Print only failures
        #[arg(long, short)]
        quiet: bool,
    },
    /// List the trials of a study
    Show {
        /// Which study
        name: String,
        /// Make a page and a table of them, in artifacts/studies
        #[arg(long)]
        html: bool,
        /// Print one JSON document
        #[arg(long, conflicts_with = "html")]
        json: bool,
    },
    /// Write the parameters of a trial where the next repro reads them
    Apply {
        /// Which study
        name: String,
        /// Which trial; the best if not given
        #[arg(long)]
        trial: Option<usize>,
    },
    /// List the studies
    List,
}
