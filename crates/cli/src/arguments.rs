//! The command line: commands of every repository, with their arguments.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use runner::program_name::PROGRAM;

pub(crate) mod cache;
pub mod common;
pub(crate) mod experiments;
pub(crate) mod search;

use self::experiments::{Exp, History, Metrics, ParamsCommand, Provenance};
use self::search::Search;
use cache::Cache;
use common::{Confine, Params, Select};

/// Runs a pipeline: every stage whose code, parameters or inputs changed, and nothing else.
#[derive(Debug, Parser)]
#[command(name = PROGRAM.name(), bin_name = PROGRAM.name(), disable_help_subcommand = true)]
#[command(after_help = format!("\
Examples:
  {PROGRAM} repro                       bring everything up to date
  {PROGRAM} status                      stages that would run, and why
  {PROGRAM} explain score               changes since the stage's last run
  {PROGRAM} watch                       bring everything up to date whenever something changes
  {PROGRAM} repro --set train.lr=0.01   with another parameter, for this run"))]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring stages up to date: restore cached results, run the other stages
    #[command(after_help = format!("\
Targets are stages (`train`), instances (`train@2`), output paths, or patterns of
these (`'train@*'`); none means all. The upstream of a target is brought up to date first.

Examples:
  {PROGRAM} repro
  {PROGRAM} repro --params params/paintings.toml
  {PROGRAM} repro train@2 --single --force
  {PROGRAM} repro score --downstream
  {PROGRAM} repro --jobs 4 --keep-going
  {PROGRAM} repro --set train.epochs=3 --dry-run"))]
    Repro(Repro),
    /// Bring stages up to date, again and again, whenever something changes
    #[command(after_help = format!("\
Looks at code, parameters and inputs about twice a second; Ctrl-C ends it.

Examples:
  {PROGRAM} watch
  {PROGRAM} watch report --set train.epochs=1"))]
    Watch(Watch),
    /// Show whether each stage is up to date, and why not
    #[command(after_help = format!("\
Examples:
  {PROGRAM} status
  {PROGRAM} status train --json"))]
    Status(Select),
    /// Show the changes for a stage since its last run
    #[command(after_help = format!("\
Examples:
  {PROGRAM} explain train@0
  {PROGRAM} explain score --set score.bootstrap=100"))]
    Explain(Explain),
    /// Draw the graph of the stages
    #[command(after_help = format!("\
Examples:
  {PROGRAM} dag
  {PROGRAM} dag --mermaid > stages.mmd
  {PROGRAM} dag --dot | dot -Tsvg > stages.svg"))]
    Dag(Dag),
    /// Print the log of a stage's last run
    #[command(after_help = format!("\
Examples:
  {PROGRAM} log train@0"))]
    Log {
        /// Stage or instance
        stage: String,
    },
    /// List runs and accepted results, with key, outcome, time and reason
    #[command(after_help = format!("\
The latest comes first. The list is `.atelier/runs.jsonl`.

Examples:
  {PROGRAM} history
  {PROGRAM} history train --last 5
  {PROGRAM} history train@0 --json"))]
    History(History),
    /// Show the provenance of a file: command, parameters, code and inputs, back to the sources
    #[command(after_help = format!("\
Examples:
  {PROGRAM} provenance artifacts/score/scores.parquet
  {PROGRAM} provenance .atelier/experiments/lr-0.001/artifacts/report/index.html
  {PROGRAM} provenance artifacts/report/index.html --json"))]
    Provenance(Provenance),
    /// Put outputs and sources in place as pipeline.lock and sources.lock have them
    #[command(after_help = format!("\
Nothing runs, whatever code and parameters are now. Files in the way that are not in the cache
are moved to `.atelier/backup`.

Examples:
  git switch other-branch && {PROGRAM} checkout
  {PROGRAM} checkout train@0 data/paintings"))]
    Checkout(Select),
    /// Accept the present outputs as the stages' results
    #[command(after_help = format!("\
For outputs that were made or edited by hand. The cache notes that no run made them.

Examples:
  {PROGRAM} commit annotate"))]
    Commit(Select),
    /// Accept the last results for changed code
    #[command(after_help = format!("\
For a change of code that changes no result, so that nothing runs for it. Refused where
parameters, inputs or the command have changed, too. The cache notes that no run made them.

Examples:
  {PROGRAM} adopt train
  {PROGRAM} adopt 'train@*' select"))]
    Adopt(Select),
    /// Freeze stages: they don't run, whatever changes
    #[command(after_help = format!("\
Writes `frozen = true` into pipeline.toml; the present outputs are then used as they are.

Examples:
  {PROGRAM} freeze train"))]
    Freeze {
        /// Stages
        #[arg(value_name = "STAGE", required = true)]
        stages: Vec<String>,
    },
    /// Let frozen stages run again
    #[command(after_help = format!("\
Examples:
  {PROGRAM} unfreeze train"))]
    Unfreeze {
        /// Stages
        #[arg(value_name = "STAGE", required = true)]
        stages: Vec<String>,
    },
    /// Store the content of a source in the cache, and record it in sources.lock
    #[command(after_help = format!("\
`{PROGRAM} checkout` brings it back. Afterwards its files may be read-only.

Examples:
  {PROGRAM} add data/paintings"))]
    Add {
        /// Files or folders in the workspace
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
    /// Fetch a source, and store it as `add` does
    #[command(after_help = format!("\
URLs are fetched by curl, paths are copied.

Examples:
  {PROGRAM} import https://example.org/weights.safetensors data/weights.safetensors
  {PROGRAM} import /mnt/photos data/photos
  {PROGRAM} import URL data/x.csv --sha256 9f86d081884c7d65…"))]
    Import {
        /// URL or path of the source
        #[arg(value_name = "URL|PATH")]
        from: String,
        /// Its path in the workspace
        to: PathBuf,
        /// Expected hash
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
    },
    /// Inspect and clear the cache
    #[command(subcommand)]
    Cache(Cache),
    /// Search for better parameters
    #[command(subcommand)]
    Search(Search),
    /// The former name of `search`
    #[command(hide = true, disable_help_flag = true)]
    Study {
        /// Its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run experiments with other parameters beside the current state, and compare them
    #[command(subcommand)]
    #[command(after_help = format!("\
Examples:
  {PROGRAM} exp run --grid train.lr=0.001,0.01
  {PROGRAM} exp show
  {PROGRAM} exp apply lr-0.001"))]
    Exp(Exp),
    /// Show and compare the metrics of experiments and revisions
    #[command(subcommand)]
    #[command(after_help = format!("\
Examples:
  {PROGRAM} metrics show
  {PROGRAM} metrics diff HEAD"))]
    Metrics(Metrics),
    /// Compare the parameters of experiments and revisions
    #[command(subcommand)]
    #[command(after_help = format!("\
Examples:
  {PROGRAM} params diff HEAD"))]
    Params(ParamsCommand),
    /// Print a JSON schema, by which editors complete and check a file
    #[command(after_help = format!("\
Editors with TOML support (taplo, Even Better TOML) read it where the file's first line is
`#:schema PATH`.

Examples:
  {PROGRAM} schema params > .atelier/params.schema.json
  {PROGRAM} schema pipeline > .atelier/pipeline.schema.json"))]
    Schema {
        /// The file
        what: Schema,
    },
    #[command(about = format!("Print the script that completes `{PROGRAM}` in a shell"))]
    #[command(after_help = format!("\
Examples:
  echo 'source <({PROGRAM} completions bash)' >> ~/.bashrc
  echo 'source <({PROGRAM} completions zsh)' >> ~/.zshrc
  echo '{PROGRAM} completions fish | source' >> ~/.config/fish/config.fish"))]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the possible next words
    #[command(name = "__complete", hide = true)]
    Complete {
        /// The command line up to the cursor
        line: String,
    },
    /// Supervise the processes of a stage
    #[command(name = executor::SUPERVISE, hide = true)]
    Supervise,
}

#[derive(Debug, Args)]
pub(crate) struct Repro {
    #[command(flatten)]
    pub(crate) select: Select,
    /// Run the targets even if they are up to date
    #[arg(long)]
    pub(crate) force: bool,
    /// Select the targets without their upstream
    #[arg(long, conflicts_with = "downstream")]
    pub(crate) single: bool,
    /// Select the targets and their downstream
    #[arg(long)]
    pub(crate) downstream: bool,
    /// Maximum number of stages that run at once, within the machine's resources
    #[arg(long, short, value_name = "N", default_value = "1")]
    pub(crate) jobs: NonZeroUsize,
    /// After a failure, continue with stages that do not depend on it
    #[arg(long, short)]
    pub(crate) keep_going: bool,
    /// Ask before each run
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) interactive: bool,
    #[command(flatten)]
    pub(crate) confine: Confine,
    /// List the actions and their reasons; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print only failures
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) quiet: bool,
}

/// Files that have a schema.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Schema {
    /// pipeline.toml
    Pipeline,
    /// params.toml, and files of other values
    Params,
}

/// Shells with completion.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Shell {
    /// The Bourne-again shell
    Bash,
    /// The Z shell
    Zsh,
    /// The friendly interactive shell
    Fish,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Stages, instances, output paths or patterns; all if none
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) params: Params,
    /// Maximum number of stages that run at once
    #[arg(long, short, value_name = "N", default_value = "1")]
    pub(crate) jobs: NonZeroUsize,
    #[command(flatten)]
    pub(crate) confine: Confine,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Stage or instance
    pub(crate) stage: String,
    #[command(flatten)]
    pub(crate) params: Params,
    /// Print one JSON document, with the whole manifest
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Dag {
    /// As a Mermaid flowchart
    #[arg(long, conflicts_with = "dot")]
    pub(crate) mermaid: bool,
    /// As a Graphviz graph
    #[arg(long)]
    pub(crate) dot: bool,
    #[command(flatten)]
    pub(crate) params: Params,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
