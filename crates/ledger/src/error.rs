//! Failures of the ledger.

use executor::Interrupted;

/// The result of a function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Interrupted by a signal.
    #[error("{0}; what was done is kept, and the next repro continues")]
    Interrupted(Interrupted),
    /// A rule on names or values broken outside a TOML file.
    #[error("{0}")]
    Invalid(String),
    /// A file operation.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// What is declared.
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
