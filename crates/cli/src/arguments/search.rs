//! The command line of searches.

use clap::Subcommand;
use runner::program_name::PROGRAM;

use super::common::{Confine, Params};

/// Searches, each declared in `searches/NAME.toml`.
#[derive(Debug, Subcommand)]
pub(crate) enum Search {
    /// Run the trials of a search
    #[command(after_help = format!("\
A trial is a run of the pipeline with other parameters, beside the current state; cached
results are restored. A search that was stopped continues when it is run again.

Examples:
  {PROGRAM} search run demo
  {PROGRAM} search run paintings --set images.folder=PATH"))]
    Run {
        /// Name of the search
        name: String,
        #[command(flatten)]
        params: Params,
        #[command(flatten)]
        confine: Confine,
        /// Print only failures
        #[arg(long, short)]
        quiet: bool,
    },
    /// List the trials of a search
    Show {
        /// Name of the search
        name: String,
        /// Make a page and a table of them, in artifacts/searches
        #[arg(long)]
        html: bool,
        /// Print one JSON document
        #[arg(long, conflicts_with = "html")]
        json: bool,
    },
    /// Write the parameters of a trial where the next repro reads them
    Apply {
        /// Name of the search
        name: String,
        /// Number of the trial; the best by default
        #[arg(long)]
        trial: Option<usize>,
    },
    /// List the searches
    List,
}
