//! Failures of the ledger.

use std::path::PathBuf;
use std::process::ExitStatus;

use executor::Interrupted;
use keys::on_disk::LEADS_OUT;

/// The result of a function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Interrupted by a signal.
    #[error("{0}; what was done is kept, and the next repro continues")]
    Interrupted(Interrupted),
    /// A download that failed.
    #[error("cannot fetch `{url}`: {why}")]
    Download {
        /// Its URL.
        url: String,
        /// The program's or the server's message, and what is kept.
        why: String,
    },
    /// An import of what isn't there.
    #[error("cannot import `{0}`: it does not exist")]
    NothingToImport(String),
    /// An import to a place where something is.
    #[error("`{0}` is there already: remove it, or import to another place")]
    PlaceTaken(String),
    /// A path at which no source can be kept.
    #[error("`{path}` {why}", path = .path.display())]
    SourcePlace {
        /// The path.
        path: PathBuf,
        /// Its fault.
        why: String,
    },
    /// A stage's output in the place of a source.
    #[error("`{path}` is what a stage makes, and the cache has it", path = .0.display())]
    Output(PathBuf),
    /// A path that leaves the workspace by a link.
    #[error("`{0}` {LEADS_OUT}")]
    LeadsOut(String),
    /// The path of no source.
    #[error("`sources.lock` has no `{path}`{hint}")]
    UnknownSource {
        /// The path.
        path: String,
        /// The nearest source, as a clause.
        hint: String,
    },
    /// A source that has another content than at its import.
    #[error("`{from}` is not what it was when `{path}` was imported")]
    SourceChanged {
        /// Its URL or path.
        from: String,
        /// Its place in the workspace.
        path: String,
    },
    /// A fetched file that isn't as wanted.
    #[error("`{from}` {why}")]
    Unfit {
        /// Its URL.
        from: String,
        /// Its fault.
        why: String,
    },
    /// A file with another hash than the expected one.
    #[error(
        "the SHA-256 of `{from}` is {found}, expected {expected}{more}",
        more = if expected.len() < found.len() { "…" } else { "" }
    )]
    Sha256 {
        /// Its URL or path.
        from: String,
        /// Its hash.
        found: String,
        /// The expected hash, or its first digits.
        expected: String,
    },
    /// A fetched file with another hash than the one noted.
    #[error(
        "{fault}, as `sources.lock` has it: if the publisher has replaced the file, remove `{path}` from there"
    )]
    Replaced {
        /// The mismatch.
        fault: Box<Error>,
        /// The file's place in the workspace.
        path: String,
    },
    /// A file in the place of one to be fetched, and not that file.
    #[error("{fault}; `{path}` is there already: move it away to fetch it")]
    OtherFile {
        /// How it differs.
        fault: Box<Error>,
        /// The place.
        path: String,
    },
    /// A file that cannot be hashed.
    #[error("cannot compute the SHA-256 of `{path}`: {fault}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The failure to read it.
        fault: std::io::Error,
    },
    /// A path that no stage makes or reads.
    #[error("no stage makes or reads `{path}`{hint}", path = .path.display())]
    UnknownPath {
        /// The path.
        path: PathBuf,
        /// The nearest output, as a clause.
        hint: String,
    },
    /// A folder that holds several outputs.
    #[error(
        "`{path}` is a folder around outputs: name one of `{outputs}`",
        path = .path.display(),
        outputs = .outputs.join("`, `")
    )]
    AroundOutputs {
        /// The folder.
        path: PathBuf,
        /// Paths of some of the outputs.
        outputs: Vec<String>,
    },
    /// A command that needs the cache and has opened none.
    #[error("the cache is not open for writing")]
    NoCache,
    /// git failed.
    #[error("cannot ask git: {0}")]
    Git(String),
    /// A file that a committed version lacks.
    #[error("commit {commit} has no `{file}`", file = .file.display())]
    NotCommitted {
        /// First digits of the commit's hash.
        commit: String,
        /// The file.
        file: PathBuf,
    },
    /// The lock of a state beside the current one.
    #[error("`{name}`: {fault}", name = .name.display())]
    State {
        /// The state's name.
        name: PathBuf,
        /// The lock's fault.
        fault: Box<keys::Error>,
    },
    /// A folder under its former name.
    #[error("`{former}` is called `{folder}` now: rename it by `mv {former} {folder}`")]
    FormerFolder {
        /// The former name, from the workspace root.
        former: String,
        /// The name now.
        folder: String,
    },
    /// An answer that isn't one, or not to the question.
    #[error("the program that reads tables was not understood")]
    UnclearAnswer,
    /// The program that reads tables failed.
    #[error("`{program}` ended with {status}: {errors}")]
    TableProgram {
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
    /// The lock file.
    #[error(transparent)]
    Keys(#[from] keys::Error),
}

/// Not by `#[from]`: the message has the signal's, which would follow once more as its source.
impl From<Interrupted> for Error {
    fn from(interrupted: Interrupted) -> Self {
        Error::Interrupted(interrupted)
    }
}
