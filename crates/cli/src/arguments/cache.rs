//! The command line of the cache.

use std::time::Duration;

use clap::Subcommand;
use runner::program_name::PROGRAM;

/// The cache in `.atelier/cache`.
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Remove unused results, or all but those selected
    #[command(after_help = format!("\
Without options it keeps the results of the lock, experiments, searches and sources, and others
within the limits of `[cache]` in pipeline.toml (`max-size`, `max-age`).

Examples:
  {PROGRAM} cache gc --dry-run                         what would be removed
  {PROGRAM} cache gc --workspace                       keep those of the lock, experiments, searches and sources
  {PROGRAM} cache gc --workspace --younger-than '30 d'
  {PROGRAM} cache gc --commits --dry-run               what would be removed, but for all commits"))]
    Gc {
        /// Keep results of pipeline.lock, experiments, trials of searches and sources.lock
        #[arg(long)]
        workspace: bool,
        /// Keep those of every commit, too
        #[arg(long)]
        commits: bool,
        /// Keep results of this time, too
        #[arg(long, value_name = "TIME", value_parser = workflow::quantity::duration)]
        younger_than: Option<Duration>,
        /// Remove nothing; print the amount
        #[arg(long)]
        dry_run: bool,
    },
    /// Check all of its content; remove damaged files
    Verify,
    /// Print its size
    Size {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// List the results in it, the latest first
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}
