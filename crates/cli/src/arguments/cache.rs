//! The command line of the cache.

use std::time::Duration;

use clap::Subcommand;
use runner::program_name::PROGRAM;

/// The cache in `.atelier/cache`.
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Remove what is in no use, or all but what is said
    #[command(after_help = format!("\
Without a word on what to keep, it keeps what the lock, experiments, studies and sources use,
and what `[cache]` in pipeline.toml allows besides (`max-size`, `max-age`).

Examples:
  {PROGRAM} cache gc --dry-run                         what would go
  {PROGRAM} cache gc --workspace                       keep what the lock, experiments, studies and sources use
  {PROGRAM} cache gc --workspace --younger-than '30 d'
  {PROGRAM} cache gc --commits --dry-run               what would go, if every commit is to be restored"))]
    Gc {
        /// Keep what pipeline.lock, experiments, the trials of studies and sources.lock use
        #[arg(long)]
        workspace: bool,
        /// Keep what they use in any commit, too
        #[arg(long)]
        commits: bool,
        /// Keep what was made in this time
        #[arg(long, value_name = "TIME", value_parser = workflow::quantity::duration)]
        younger_than: Option<Duration>,
        /// Remove nothing; say how much it would be
        #[arg(long)]
        dry_run: bool,
    },
    /// Read all that it holds; remove what is damaged
    Verify,
    /// Say how much it holds
    Size {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// List the results in it, the youngest first
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}
