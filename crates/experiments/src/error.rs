//! Failures of experiments, searches and comparisons.

use std::path::PathBuf;
use std::process::ExitStatus;

use runner::program_name::PROGRAM;

/// The result of a function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The runner's.
    #[error(transparent)]
    Runner(#[from] runner::Error),
    /// A record of runs.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A declaration's.
    #[error(transparent)]
    Workflow(#[from] workflow::Error),
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A record cannot be written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A record cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A sampler's.
    #[error(transparent)]
    Sampler(#[from] search::SearchError),
    /// A name with other characters than those of names.
    #[error(
        "`{0}` is no name of an experiment: expected letters, digits, `-`, `_`, `+` and `.`, the first a letter or digit"
    )]
    Name(String),
    /// A name with too many characters.
    #[error("`{name}` is too long for a name of an experiment: expected at most {most} characters")]
    LongName {
        /// The name.
        name: String,
        /// Maximum number of characters.
        most: usize,
    },
    /// The name of another state.
    #[error("`{0}` is no name of an experiment: it means something else")]
    TakenName(String),
    /// The name of no experiment.
    #[error("there is no experiment `{name}`{hint}")]
    UnknownExperiment {
        /// The name.
        name: String,
        /// The nearest name, as a clause.
        hint: String,
    },
    /// A record that cannot be read.
    #[error("cannot read `{path}` (`{PROGRAM} exp remove {name}` removes the experiment)", path = .path.display())]
    ExperimentRecord {
        /// The experiment.
        name: String,
        /// The record's file.
        path: PathBuf,
        /// Its mistake.
        source: serde_json::Error,
    },
    /// The name of an experiment with other parameters than the new one's.
    #[error(
        "experiment `{0}` has other parameters: take another name, or remove it by `{PROGRAM} exp remove {0}`"
    )]
    OtherParams(String),
    /// An experiment without results to apply.
    #[error("experiment `{name}` is {state}, not complete")]
    Incomplete {
        /// The experiment.
        name: String,
        /// Its state.
        state: &'static str,
    },
    /// A grid without a key.
    #[error("cannot read `--grid {0}`: expected `table.key=value,…`")]
    Grid(String),
    /// A grid without values.
    #[error("`--grid {0}` has no values")]
    EmptyGrid(String),
    /// The name of no column.
    #[error("there is no column `{name}`{hint}")]
    UnknownColumn {
        /// The name.
        name: String,
        /// The nearest name, as a clause.
        hint: String,
    },
    /// The end of several columns' names.
    #[error("`{name}` can be `{columns}`", columns = .columns.join("`, `"))]
    AmbiguousColumn {
        /// The name.
        name: String,
        /// Full names.
        columns: Vec<String>,
    },
    /// A filter without an operator.
    #[error(
        "cannot read `--filter {0}`: expected a column, one of `>`, `>=`, `<`, `<=`, `==` and `!=`, and a value"
    )]
    Filter(String),
    /// The name of no state.
    #[error("`{name}` is neither an experiment nor a revision of git{hint}")]
    UnknownState {
        /// The name.
        name: String,
        /// The nearest name of an experiment, as a clause.
        hint: String,
    },
    /// The name of no revision.
    #[error("git knows no revision `{0}`")]
    UnknownRevision(String),
    /// A stage of a state beside the current one whose command writes an output in its final place.
    #[error(
        "stage `{stage}` cannot run beside the current state: its command does not write `${{out.{output}}}`"
    )]
    WritesInPlace {
        /// Stage instance.
        stage: String,
        /// The output's name.
        output: String,
    },
    /// A comparison of metrics where none are declared.
    #[error("no stage of `pipeline.toml` has `metrics = [\"output\"]`")]
    NoMetrics,
    /// A name that no file of a search can have.
    #[error("`{0}` is no name of a search: expected letters, digits, `-` and `_`")]
    SearchName(String),
    /// A search that isn't declared.
    #[error("there is no search `{name}`: `{file}` does not exist{known}", known = clause(.known))]
    UnknownSearch {
        /// The name.
        name: String,
        /// The file that would declare it.
        file: String,
        /// The names of the searches that are declared.
        known: Vec<String>,
    },
    /// A declaration of a search with mistakes.
    #[error("cannot use `{file}`")]
    Declaration {
        /// The file.
        file: String,
        /// Its mistake.
        source: serde_json::Error,
    },
    /// A search without a record.
    #[error("search `{0}` never ran: try `{PROGRAM} search run {0}`")]
    NeverRan(String),
    /// A record of trials that cannot be read.
    #[error("cannot read `{path}`", path = .path.display())]
    Trials {
        /// The record's file.
        path: PathBuf,
        /// Its mistake.
        source: serde_json::Error,
    },
    /// No trial can be the best.
    #[error("no trial of the search has a score")]
    NoScore,
    /// A number that no trial has.
    #[error("the search has {0} trials")]
    UnknownTrial(usize),
    /// A trial that cannot be applied.
    #[error("trial {number} is {state}, not complete")]
    IncompleteTrial {
        /// The trial.
        number: usize,
        /// Its state.
        state: &'static str,
    },
    /// A score of no stage.
    #[error("there is no stage `{0}` to score by")]
    NoScoringStage(String),
    /// A score of no output.
    #[error("stage `{stage}` has no output `{output}` to score by{hint}")]
    NoScoringOutput {
        /// The stage.
        stage: String,
        /// The output's name.
        output: String,
        /// The nearest output, as a clause.
        hint: String,
    },
    /// A score that several numbers of an output match.
    #[error(
        "`score` is `{score}`, which several metrics match: `{}`",
        .names.join("`, `")
    )]
    SeveralScores {
        /// The score as declared.
        score: String,
        /// Names of the first two metrics.
        names: [String; 2],
    },
    /// A workspace without the program that makes a search's page.
    #[error("the workspace has no `{0}` to make a page with")]
    NoPageProgram(&'static str),
    /// The program that makes a search's page failed.
    #[error("cannot make the page: `{program}` ended with {status}")]
    Page {
        /// The program.
        program: &'static str,
        /// Its exit status.
        status: ExitStatus,
    },
}

/// A clause with the searches that are declared.
fn clause(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("; there are `{}`", names.join("`, `")),
    }
}
