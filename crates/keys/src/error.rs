//! Failures of reading code and the lock file.

use std::path::PathBuf;

/// The result of a function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `pipeline.lock` holds something that the runner didn't write.
    #[error(
        "cannot read `pipeline.lock` (restore it, or delete it to have it rebuilt from the cache): {0}"
    )]
    Lock(workflow::Error),
    /// A run of cargo that failed; its own messages are on the terminal.
    #[error("cannot {what}: {why}")]
    Cargo {
        /// The attempt, after "cannot".
        what: String,
        /// Exit status or message.
        why: String,
    },
    /// The name of no crate.
    #[error("the workspace has no crate `{name}`{hint}")]
    UnknownCrate {
        /// The name.
        name: String,
        /// The nearest name, as a clause.
        hint: String,
    },
    /// The name of no binary.
    #[error("crate `{package}` has no binary `{name}`{hint}")]
    UnknownBinary {
        /// The crate.
        package: String,
        /// The name.
        name: String,
        /// The nearest name, as a clause.
        hint: String,
    },
    /// A stage's binary that a crate outside of the workspace is linked into.
    #[error(
        "`{run}` is made from crate `{name}` in `{folder}`, which is no member of the workspace, so that no key covers it: make it a member, or take it from a registry or by git",
        folder = .folder.display()
    )]
    ForeignCrate {
        /// `crate/binary`.
        run: String,
        /// The crate outside of the workspace.
        name: String,
        /// Its folder.
        folder: PathBuf,
    },
    /// The manifest of an archive that cannot be used.
    #[error("cannot use `prebuilt.json`: {0}")]
    Prebuilt(String),
    /// A binary that the archive doesn't have.
    #[error("`prebuilt.json` has no binary `{run}`{hint}")]
    NotPrebuilt {
        /// `crate/binary`.
        run: String,
        /// The nearest name, as a clause.
        hint: String,
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
}
