//! Errors of declarations.

use crate::device::UnknownDevice;
use crate::diagnostic::Diagnostic;
use crate::template::TemplateError;

/// Result of reading a declaration.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A mistake in a declaration, or in a name on the command line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A mistake in a TOML file or on the command line, with its place.
    #[error("{0}")]
    Source(Box<Diagnostic>),
    /// A name that matches no stage, instance or output.
    #[error("unknown stage or output `{name}`{hint}")]
    UnknownTarget {
        /// The name.
        name: String,
        /// The nearest valid name, as a clause.
        hint: String,
    },
    /// Stages that wait for each other.
    #[error("stages form a cycle: {0}")]
    Cycle(String),
    /// Two stages would write the same bytes.
    #[error("outputs overlap: `{first}` of `{first_stage}` and `{second}` of `{second_stage}`")]
    Overlap {
        /// A path.
        first: String,
        /// The stage instance that declares `first`.
        first_stage: String,
        /// A path equal to `first`, or inside it.
        second: String,
        /// The stage instance that declares `second`.
        second_stage: String,
    },
    /// An output path that leaves the workspace or hits the runner's own files.
    #[error("output `{name}` of `{stage}` is refused: `{path}` {why}")]
    OutputPlace {
        /// Stage instance.
        stage: String,
        /// The output's name.
        name: String,
        /// The offending path.
        path: String,
        /// Its mistake.
        why: &'static str,
    },
    /// A file that is too large for its kind.
    #[error("cannot read `{name}`: it has {bytes} bytes, and no such file has more than {most}")]
    TooLarge {
        /// The file, as a person would name it.
        name: String,
        /// Its size.
        bytes: u64,
        /// The largest size that is read.
        most: u64,
    },
    /// An overlay of params that doesn't exist.
    #[error("there is no file `{name}` of params{hint}")]
    NoOverlay {
        /// The file, as it was given.
        name: String,
        /// The nearest file beside it, as a clause.
        hint: String,
    },
    /// A setting on the command line that isn't `table.key=value`.
    #[error("cannot read `--set {0}`: expected `table.key=value`")]
    Setting(String),
    /// A key that has no place in a file: something that is no table is in the way.
    #[error("`{key}` cannot be written into `{file}`")]
    NotWritable {
        /// The dotted key.
        key: String,
        /// The file, as a person would name it.
        file: String,
    },
    /// The name of a stage with several instances, where one is meant.
    #[error("`{stage}` has several instances; name one of `{}`", .instances.join("`, `"))]
    SeveralInstances {
        /// The stage.
        stage: String,
        /// Names of its instances.
        instances: Vec<String>,
    },
    /// Some instances of a stage, where only whole stages are meant.
    #[error("stages are frozen as a whole: name `{0}`, not some of its instances")]
    PartOfStage(String),
    /// A setting `device` that names none.
    #[error(transparent)]
    Device(#[from] UnknownDevice),
    /// A malformed template outside of a file.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A file operation.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
