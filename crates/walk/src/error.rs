//! Errors that end a walk.

use std::io;
use std::path::PathBuf;

use crate::Reason;

/// A walk cannot begin, or meets an entry that its rules don't allow.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused; its message names the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is nothing at the root.
    #[error("cannot find `{}`", path.display())]
    NotFound {
        /// The root.
        path: PathBuf,
    },
    /// The root, or under [`Rules::Output`](crate::Rules::Output) an entry below it, cannot be read.
    #[error("cannot use `{}`: {reason}", path.display())]
    Unusable {
        /// The entry.
        path: PathBuf,
        /// The kind of fault.
        reason: Reason,
    },
}
