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
use self::search::Study;
use cache::Cache;
use common::{Confine, Params, Select};

/// Runs a pipeline: every stage whose code, parameters or inputs changed, and nothing else.
#[derive(Debug, Parser)]
#[command(name = PROGRAM.name(), bin_name = PROGRAM.name(), disable_help_subcommand = true)]
#[command(after_help = format!("\
Examples:
  {PROGRAM} repro                       bring everything up to date
  {PROGRAM} status                      what would run, and why
  {PROGRAM} explain score               what changed for one stage
  {PROGRAM} watch                       bring everything up to date whenever something changes
  {PROGRAM} repro --set train.lr=0.01   with another parameter, for this run"))]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring stages up to date: restore what is known, run what is not
    #[command(after_help = format!("\
Targets are stages (`train`), instances (`train@2`), output paths, or patterns of
these (`'train@*'`); none means all. What a target needs is brought up to date first.

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
    /// Say for each stage whether it is up to date, and why not
    #[command(after_help = format!("\
Examples:
  {PROGRAM} status
  {PROGRAM} status train --json"))]
    Status(Select),
    /// Say what changed for a stage since its last run
    #[command(after_help = format!("\
Examples:
  {PROGRAM} explain train@0
  {PROGRAM} explain score --set score.n_resamples=100"))]
    Explain(Explain),
    /// Draw the stages and what each one follows
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
    /// List what was run, or taken for a run, with key, outcome, time and reason
    #[command(after_help = format!("\
The youngest comes first. The list is `.atelier/runs.jsonl`.

Examples:
  {PROGRAM} history
  {PROGRAM} history train --last 5
  {PROGRAM} history train@0 --json"))]
    History(History),
    /// Say what made a file: command, parameters, code and inputs, back to the sources
    #[command(after_help = format!("\
Examples:
  {PROGRAM} provenance artifacts/score/scores.parquet
  {PROGRAM} provenance .atelier/experiments/lr-0.001/artifacts/report/index.html
  {PROGRAM} provenance artifacts/report/index.html --json"))]
    Provenance(Provenance),
    /// Put outputs and sources in place as pipeline.lock and sources.lock have them
    #[command(after_help = format!("\
Nothing runs, and it does not matter what code and parameters are now. What stands in the way
and is not in the cache is moved to `.atelier/backup`.

Examples:
  git switch other-branch && {PROGRAM} checkout
  {PROGRAM} checkout train@0 data/paintings"))]
    Checkout(Select),
    /// Take what stands in the outputs' places for the stages' results
    #[command(after_help = format!("\
For outputs that were made or edited by hand. The cache notes that no run made them.

Examples:
  {PROGRAM} commit annotate"))]
    Commit(Select),
    /// Take the last results for those of changed code
    #[command(after_help = format!("\
For a change of code that changes no result, so that nothing runs for it. Refused where
parameters, inputs or the command have changed, too. The cache notes that no run made them.

Examples:
  {PROGRAM} adopt train
  {PROGRAM} adopt 'train@*' select"))]
    Adopt(Select),
    /// Leave stages as they are, whatever changes
    #[command(after_help = format!("\
Writes `frozen = true` into pipeline.toml; what stands in the outputs' places is then taken as it is.

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
    /// Keep the content of a source in the cache, and note it in sources.lock
    #[command(after_help = format!("\
`{PROGRAM} checkout` brings it back. Afterwards its files may be read-only.

Examples:
  {PROGRAM} add data/paintings"))]
    Add {
        /// Files or folders in the workspace
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
    /// Fetch a source, and keep it as `add` does
    #[command(after_help = format!("\
URLs are fetched by curl, paths are copied.

Examples:
  {PROGRAM} import https://example.org/weights.safetensors data/weights.safetensors
  {PROGRAM} import /mnt/photos data/photos
  {PROGRAM} import URL data/x.csv --sha256 9f86d081884c7d65…"))]
    Import {
        /// Where it is
        #[arg(value_name = "URL|PATH")]
        from: String,
        /// Where it goes, in the workspace
        to: PathBuf,
        /// The hash that it must have
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
    },
    /// Look through the cache, and clear it
    #[command(subcommand)]
    Cache(Cache),
    /// Search for better parameters
    #[command(subcommand)]
    Study(Study),
    /// Try other parameters beside the current state, and compare what comes of them
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
    /// Print a JSON schema, with which editors complete and check a file
    #[command(after_help = format!("\
Editors with TOML support (taplo, Even Better TOML) read it where the file's first line is
`#:schema PATH`.

Examples:
  {PROGRAM} schema params > .atelier/params.schema.json
  {PROGRAM} schema pipeline > .atelier/pipeline.schema.json"))]
    Schema {
        /// Of which file
        what: Schema,
    },
    #[command(about = format!("Print the script that completes `{PROGRAM}` in a shell"))]
    #[command(after_help = format!("\
Examples:
  echo 'source <({PROGRAM} completions bash)' >> ~/.bashrc
  echo 'source <({PROGRAM} completions zsh)' >> ~/.zshrc
  echo '{PROGRAM} completions fish | source' >> ~/.config/fish/config.fish"))]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Say what may be typed next
    #[command(name = "__complete", hide = true)]
    Complete {
        /// All that is typed, up to the cursor
        line: String,
    },
    /// Stand between the runner and its stages
    #[command(name = executor::SUPERVISE, hide = true)]
    Supervise,
}

#[derive(Debug, Args)]
pub(crate) struct Repro {
    #[command(flatten)]
    pub(crate) select: Select,
    /// Run what is named even if it is up to date
    #[arg(long)]
    pub(crate) force: bool,
    /// Only what is named, not what it needs
    #[arg(long, conflicts_with = "downstream")]
    pub(crate) single: bool,
    /// What is named and what follows from it
    #[arg(long)]
    pub(crate) downstream: bool,
    /// So many stages may run at once, as far as what they declare fits the machine
    #[arg(long, short, value_name = "N", default_value = "1")]
    pub(crate) jobs: NonZeroUsize,
    /// After a failure, go on with what does not follow from it
    #[arg(long, short)]
    pub(crate) keep_going: bool,
    /// Ask before each run
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) interactive: bool,
    #[command(flatten)]
    pub(crate) confine: Confine,
    /// List what would be done, and why; touch nothing
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

/// Shells whose words can be completed.
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
    /// So many stages may run at once
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
