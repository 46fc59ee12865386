//! The runner's errors and their messages.

use std::path::PathBuf;
use std::process::ExitStatus;

use executor::{ExecutorError, Interrupted};
use keys::cargo::Variable;
use keys::manifest::Difference;
use keys::on_disk::LEADS_OUT;
use keys::reason::{Reason, listed};
use ledger::FOLDER;

use crate::job_fault::JobFault;

/// The result of a runner's function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the runner or of a stage that it ran.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No `pipeline.toml` here or above.
    #[error("cannot find `pipeline.toml` in `{0}` or a folder above it")]
    NoWorkspace(PathBuf),
    /// An output path that leaves the workspace or hits the runner's own files.
    #[error("output `{name}` of `{stage}` is refused: `{path}` {why}")]
    OutputPlace {
        /// Stage instance.
        stage: String,
        /// The output's name.
        name: String,
        /// The offending path.
        path: String,
        /// The fault.
        why: &'static str,
    },
    /// Source inputs that don't exist; found before anything runs.
    #[error("{}", .0.join("\n"))]
    MissingInputs(Vec<String>),
    /// A stage's process ended badly.
    #[error("stage `{stage}` failed: {status}{report}\nlog: {log}")]
    StageFailed {
        /// Stage instance.
        stage: String,
        /// How the process ended.
        status: String,
        /// Lines, each behind a line break: which of its commands failed, what the status means, the end of its log, and
        /// what the sandbox kept it from.
        report: String,
        /// The log's path, from the workspace root.
        log: String,
    },
    /// A stage whose program was not started.
    #[error("cannot run `{stage}`: {why}")]
    NotStarted {
        /// Stage instance.
        stage: String,
        /// The executor's reason.
        why: String,
    },
    /// A stage whose end is unknown.
    #[error("cannot tell how `{stage}` ended: {why}")]
    Lost {
        /// Stage instance.
        stage: String,
        /// The executor's reason.
        why: String,
    },
    /// A crate that a stage needs doesn't compile; cargo's own messages are on the terminal.
    #[error("stage `{stage}` cannot run: `{run}` was not built")]
    NotBuilt {
        /// Stage instance.
        stage: String,
        /// `crate/binary`.
        run: String,
    },
    /// A stage whose binary was made from a file that its key doesn't cover.
    #[error(
        "stage `{stage}` cannot run: `{run}` is made from `{file}`, which its key does not cover, so that an edit of it would run nothing; move it below the `src` of the crate that names it, and not into `tests`, another binary's folder, a hidden file or Markdown"
    )]
    Uncovered {
        /// Stage instance.
        stage: String,
        /// `crate/binary`.
        run: String,
        /// From the workspace root, or absolute.
        file: PathBuf,
    },
    /// A stage whose binary was compiled with a variable of the environment that its key doesn't cover.
    #[error(
        "stage `{stage}` cannot run: `{run}` is compiled with the environment variable `{name}`, which `{file}` of crate `{package}` reads and its key does not cover, so that another value would run nothing; write the value into the source, make it a parameter, or let the stage read the variable as it runs and name it in `env` of the stage",
        name = .variable.name,
        file = .variable.file.display(),
        package = .variable.package
    )]
    UncoveredVariable {
        /// Stage instance.
        stage: String,
        /// `crate/binary`.
        run: String,
        /// The variable, with the crate and the source that read it.
        variable: Box<Variable>,
    },
    /// A stage was refused what it doesn't declare, and ended as if nothing were.
    #[error("stage `{stage}` ended well, but without all that it asked for:\n{advice}\nlog: {log}")]
    Undeclared {
        /// Stage instance.
        stage: String,
        /// The refused access, and what to do about it.
        advice: String,
        /// The log's path, from the workspace root.
        log: String,
    },
    /// A stage succeeded without an output that it declares.
    #[error("stage `{stage}` ended well but did not write its output `{name}` (`{path}`)")]
    MissingOutput {
        /// Stage instance.
        stage: String,
        /// The output's name.
        name: String,
        /// Expected path of the output.
        path: String,
    },
    /// An input was changed under a running stage.
    #[error("input `{name}` of `{stage}` changed{} while the stage ran: its result is not recorded", back(*.is_back))]
    InputChanged {
        /// Stage instance.
        stage: String,
        /// The input's name.
        name: String,
        /// True if it says again what it said before: nobody knows what the stage read.
        is_back: bool,
    },
    /// An output isn't as its stage says that it is.
    #[error("stage `{stage}` failed the check of its output `{name}`:\n{}{}", .faults.join("\n"), place_of(.place))]
    CheckFailed {
        /// Stage instance.
        stage: String,
        /// The output's name.
        name: String,
        /// Faults, each with its row.
        faults: Vec<String>,
        /// Path of the output for inspection, if not in its place.
        place: Option<PathBuf>,
    },
    /// Stages that failed beside each other: the first of the plan, and the messages of the others.
    #[error("{0}\n{1}")]
    Several(Box<Error>, String),
    /// Interrupted by a signal.
    #[error("{0}; what was done is kept, and the next repro continues")]
    Interrupted(Interrupted),
    /// The runner's folder is a link: some of what is in it is cleared, whatever it leads to.
    #[error(
        "`{FOLDER}` is a symbolic link: make it a folder, in which `cache` may be a link to another disk"
    )]
    LinkedFolder,
    /// A sandbox that the system doesn't have.
    #[error(
        "this system cannot hold stages to what they declare (it takes Linux 5.19 with Landlock): run without `--sandbox`"
    )]
    NoSandbox,
    /// A job that a stage cannot use.
    #[error(transparent)]
    Job(#[from] JobFault),
    /// A parameter that leaves an input out which its stage needs.
    #[error("`{param}` is empty, and stage `{stage}` needs its input `{input}`")]
    EmptyInput {
        /// Key of `params.toml`.
        param: String,
        /// Name of the stage.
        stage: String,
        /// The input's name.
        input: String,
    },
    /// A stage without its executable.
    #[error("`{0}` was not built")]
    NoExecutable(String),
    /// A binary of an archive that isn't the one of its manifest.
    #[error(
        "`{path}` is not the binary `{run}` of `prebuilt.json`: found SHA-256 {found}, expected {expected}; unpack the archive again",
        path = .path.display()
    )]
    NotThePrebuilt {
        /// `crate/binary`.
        run: String,
        /// Its file, from the root.
        path: PathBuf,
        /// SHA-256 of the file.
        found: String,
        /// SHA-256 in the manifest.
        expected: String,
    },
    /// A stage that waits for one that has ended.
    #[error("stage `{0}` waits for a stage that is done")]
    Stalled(String),
    /// A stage whose result cannot be accepted, as it cannot run.
    #[error("stage `{stage}`: {reason}")]
    Blocked {
        /// Stage instance.
        stage: String,
        /// The obstacle.
        reason: Reason,
    },
    /// An output to commit that isn't there.
    #[error(
        "cannot commit `{stage}`: its output `{name}` (`{path}`) is not there",
        path = .path.display()
    )]
    NothingToCommit {
        /// Stage instance.
        stage: String,
        /// The output's name.
        name: String,
        /// Its place.
        path: PathBuf,
    },
    /// A last result that cannot stand for a run of changed code.
    #[error("cannot adopt the result of `{stage}`: {why}")]
    NotAdopted {
        /// Stage instance.
        stage: String,
        /// The obstacle.
        why: Obstacle,
    },
    /// A note of moved outputs that cannot be followed.
    #[error(
        "cannot undo what an unfinished run left: `{work}/{journal}` {fault}; mend that, or remove `{work}` if you don't need what is in it",
        work = .work.display()
    )]
    Journal {
        /// The work folder, from the workspace root.
        work: PathBuf,
        /// Name of the note.
        journal: &'static str,
        /// Its fault.
        fault: JournalFault,
    },
    /// A workspace without the program that writes tables.
    #[error("the workspace has no `{0}` to write tables with")]
    NoTableProgram(&'static str),
    /// The program that checks outputs failed.
    #[error("cannot check: `{program}` ended with {status}\n{errors}")]
    CheckProgram {
        /// Its name, `crate/binary`.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Its standard error.
        errors: String,
    },
    /// A file operation.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// An error of the declaration.
    #[error(transparent)]
    Workflow(#[from] workflow::Error),
    /// The cache.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Code or the lock file.
    #[error(transparent)]
    Keys(keys::Error),
    /// An error of the records of runs.
    #[error(transparent)]
    Ledger(ledger::Error),
}

/// The obstacle to adopting a last result.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    /// There is no last result.
    #[error("`pipeline.lock` has none")]
    NoResult,
    /// The cache has no record of it.
    #[error("the cache has no record of what it was made from")]
    NoRecord,
    /// Its manifest differs by more than code.
    #[error("more than its code has changed: {}", texts(.0))]
    OtherChanges(Vec<Difference>),
    /// Its outputs aren't in place.
    #[error("{}", listed(.0))]
    Misplaced(Vec<Reason>),
}

/// The fault of a note of moved outputs.
#[derive(Debug, thiserror::Error)]
pub enum JournalFault {
    /// Text that the runner didn't write.
    #[error("isn't as it was written: {0}")]
    Malformed(serde_json::Error),
    /// A path that isn't plain.
    #[error("names `{path}`, which is no output's place", path = .0.display())]
    NoPlace(PathBuf),
    /// A path that leaves the workspace by a link.
    #[error("names `{path}`, which {LEADS_OUT}", path = .0.display())]
    LeadsOut(PathBuf),
}

fn texts(differences: &[Difference]) -> String {
    let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// Not by `#[from]`: the message has the signal's, which would follow once more as its source.
impl From<Interrupted> for Error {
    fn from(interrupted: Interrupted) -> Self {
        Error::Interrupted(interrupted)
    }
}

impl Error {
    /// Returns whether a stage is at fault and others may go on.
    pub fn is_of_stage(&self) -> bool {
        matches!(
            self,
            Error::StageFailed { .. }
                | Error::Undeclared { .. }
                | Error::NotBuilt { .. }
                | Error::MissingOutput { .. }
                | Error::MissingInputs(_)
                | Error::InputChanged { .. }
                | Error::OutputPlace { .. }
                | Error::CheckFailed { .. }
        )
    }

    /// The process exit status that tells scripts what happened: 130 and 143
    /// after SIGINT and SIGTERM, as shells do, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Interrupted(Interrupted(signal)) => u8::try_from(128 + signal).unwrap_or(1),
            _ => 1,
        }
    }
}

fn back(is_back: bool) -> &'static str {
    if is_back { " and changed back" } else { "" }
}

fn place_of(place: &Option<PathBuf>) -> String {
    match place {
        Some(place) => format!("\nwhat it made: {}", place.display()),
        None => String::new(),
    }
}

impl From<keys::Error> for Error {
    fn from(error: keys::Error) -> Self {
        match error {
            keys::Error::Io(error) => Error::Io(error),
            keys::Error::Workflow(error) => Error::Workflow(error),
            keys::Error::Store(error) => Error::Store(error),
            error => Error::Keys(error),
        }
    }
}

impl From<ledger::Error> for Error {
    fn from(error: ledger::Error) -> Self {
        match error {
            ledger::Error::Interrupted(interrupted) => Error::Interrupted(interrupted),
            ledger::Error::Io(error) => Error::Io(error),
            ledger::Error::Workflow(error) => Error::Workflow(error),
            ledger::Error::Store(error) => Error::Store(error),
            ledger::Error::Keys(error) => error.into(),
            error => Error::Ledger(error),
        }
    }
}

impl From<ExecutorError> for Error {
    fn from(error: ExecutorError) -> Self {
        match error {
            ExecutorError::Io(error) => Error::Io(error),
            ExecutorError::Interrupted(interrupted) => Error::Interrupted(interrupted),
        }
    }
}
