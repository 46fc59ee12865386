//! The command line of experiments, metrics, params and the history.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use runner::program_name::PROGRAM;

use super::common::{Confine, Params};

/// Runs of the pipeline with other parameters, beside the current state.
#[derive(Debug, Subcommand)]
pub(crate) enum Exp {
    /// Run the pipeline with other parameters
    #[command(after_help = format!("\
Outputs, lock and logs stand in `.atelier/experiments/NAME`; sources and cache are shared with
the current state, which stays as it is. An experiment that was stopped continues when it is
run again; a complete one is not run again.

Examples:
  {PROGRAM} exp run --set train.lr=0.001
  {PROGRAM} exp run --set train.lr=0.001 --name slow score
  {PROGRAM} exp run --grid train.lr=0.001,0.01 --grid model.resnet=18,34   four experiments"))]
    Run(ExpRun),
    /// List the experiments with parameters and metrics
    #[command(after_help = format!("\
The first row is the workspace. Parameters are shown that experiments set, or in which they
differ. A column is named as in the table, or by the end of its name: `f1` for `score.scores.test.f1`.

Examples:
  {PROGRAM} exp show
  {PROGRAM} exp show HEAD v1
  {PROGRAM} exp show --sort test.f1 --reverse --filter 'test.f1>0.8' --filter train.lr==0.001
  {PROGRAM} exp show --metric 'network.test.*' --metric forest.test.top1
  {PROGRAM} exp show --parquet experiments.parquet"))]
    Show(ExpShow),
    /// Compare parameters and metrics of two states
    #[command(after_help = format!("\
Each is an experiment, a revision of git, or `workspace`.

Examples:
  {PROGRAM} exp diff lr-0.001              against the workspace
  {PROGRAM} exp diff HEAD lr-0.001 --json"))]
    Diff(Compare),
    /// Make an experiment the current state
    #[command(after_help = format!("\
Writes its parameters where the next repro reads them, and restores its results: nothing runs.

Examples:
  {PROGRAM} exp apply lr-0.001"))]
    Apply {
        /// Name of the experiment
        #[arg(value_name = "NAME")]
        experiment: String,
    },
    /// Remove experiments
    #[command(after_help = format!("\
Results stay in the cache until `{PROGRAM} cache gc`.

Examples:
  {PROGRAM} exp remove lr-0.001 lr-0.01
  {PROGRAM} exp remove --all"))]
    Remove {
        /// Names of experiments
        #[arg(value_name = "NAME", required_unless_present = "all")]
        experiments: Vec<String>,
        /// All of them
        #[arg(long, conflicts_with = "experiments")]
        all: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ExpRun {
    /// Stages, instances, output paths or patterns; all if none
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) params: Params,
    /// Try each of these values, with each of those of other grids; can be repeated
    #[arg(long = "grid", value_name = "TABLE.KEY=VALUE,…")]
    pub(crate) grids: Vec<String>,
    /// Its name; with grids, the prefix of their names
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Maximum number of stages that run at once
    #[arg(long, short, value_name = "N", default_value = "1")]
    pub(crate) jobs: NonZeroUsize,
    #[command(flatten)]
    pub(crate) confine: Confine,
    /// List the experiments; run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print only failures
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExpShow {
    /// Revisions of git to show beside the experiments
    #[arg(value_name = "REVISION")]
    pub(crate) revisions: Vec<String>,
    /// Order by a column; rows without a value come last
    #[arg(long, value_name = "COLUMN")]
    pub(crate) sort: Option<String>,
    /// From the largest to the smallest
    #[arg(long, requires = "sort")]
    pub(crate) reverse: bool,
    /// Only experiments that fulfill this; can be repeated
    #[arg(long = "filter", value_name = "CONDITION")]
    pub(crate) filters: Vec<String>,
    /// Only metrics of this name, or that match this pattern; can be repeated
    #[arg(long = "metric", value_name = "PATTERN")]
    pub(crate) metrics: Vec<String>,
    /// Print one JSON document, with all parameters and metrics
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a table with all metrics
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) parquet: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) params: Params,
}

/// Two states.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// Experiment, revision of git, or `workspace`
    #[arg(value_name = "A", default_value = "HEAD")]
    pub(crate) a: String,
    /// The other
    #[arg(value_name = "B", default_value = "workspace")]
    pub(crate) b: String,
    /// Equal values, too
    #[arg(long)]
    pub(crate) all: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) params: Params,
}

/// Numbers that stages made, in outputs declared as `metrics`.
#[derive(Debug, Subcommand)]
pub(crate) enum Metrics {
    /// Print the metrics of states
    #[command(after_help = format!("\
Examples:
  {PROGRAM} metrics show
  {PROGRAM} metrics show HEAD lr-0.001 workspace --metric 'test.*'"))]
    Show {
        /// Experiments, revisions of git, or `workspace`, which is shown if none is given
        #[arg(value_name = "STATE")]
        states: Vec<String>,
        /// Only metrics of this name, or that match this pattern; can be repeated
        #[arg(long = "metric", value_name = "PATTERN")]
        metrics: Vec<String>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        params: Params,
    },
    /// Compare metrics of two states
    #[command(after_help = format!("\
Each is an experiment, a revision of git, or `workspace`.

Examples:
  {PROGRAM} metrics diff                the workspace against the last commit
  {PROGRAM} metrics diff v1 lr-0.001"))]
    Diff(Compare),
}

/// The values of params.toml.
#[derive(Debug, Subcommand)]
pub(crate) enum ParamsCommand {
    /// Compare parameters of two states
    #[command(after_help = format!("\
Each is an experiment, a revision of git, or `workspace`. Files given by `--params` are read as
they are in the revision.

Examples:
  {PROGRAM} params diff                 the workspace against the last commit
  {PROGRAM} params diff main lr-0.001 --json"))]
    Diff(Compare),
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// Stage or instance; all if none
    pub(crate) stage: Option<String>,
    /// Maximum number of runs
    #[arg(long, short, value_name = "N", default_value = "30")]
    pub(crate) last: usize,
    /// Print one JSON document, with all records of each run
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Provenance {
    /// A file or folder
    pub(crate) file: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) params: Params,
}
