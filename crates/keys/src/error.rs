//! Failures of reading code, manifests and the lock file.

/// The result of a function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `pipeline.lock` holds something that the runner didn't write.
    #[error(
        "cannot read `pipeline.lock` (restore it, or delete it to have it rebuilt from the cache): {0}"
    )]
    Lock(String),
    /// A run of cargo that failed; its own messages are on the terminal.
    #[error("cannot {what}: {why}")]
    Cargo {
        /// The attempt, after "cannot".
        what: String,
        /// Exit status or message.
        why: String,
    },
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
}
