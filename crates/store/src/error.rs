//! Errors of files and the cache.

use std::io;
use std::path::PathBuf;

use crate::digest::{Digest, InvalidDigest};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Error of files and the cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused; its message names the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is nothing at the path.
    #[error("cannot find `{}`", path.display())]
    NotFound {
        /// Path where something was expected.
        path: PathBuf,
    },
    /// A name in a folder isn't UTF-8, so that no table or tree can name it.
    #[error("cannot use `{}`: its name is not UTF-8", path.display())]
    NotUtf8 {
        /// The file, with the offending bytes replaced.
        path: PathBuf,
    },
    /// A socket, a pipe or a device stands where a file or a folder was expected.
    #[error("cannot use `{}`: neither a file nor a folder", path.display())]
    NotAFile {
        /// The special file.
        path: PathBuf,
    },
    /// A symbolic link to nothing.
    #[error("cannot follow the link `{}`: there is nothing at `{}`", path.display(), target.display())]
    DanglingLink {
        /// The link.
        path: PathBuf,
        /// Target of the link.
        target: PathBuf,
    },
    /// Symbolic links that lead back to where they came from.
    #[error("cannot follow the link `{}`: it leads back to itself", path.display())]
    LinkLoop {
        /// The link.
        path: PathBuf,
    },
    /// A file changed on each attempt to read it.
    #[error("cannot hash `{}`: it changed while it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The cache doesn't hold this content.
    #[error("the cache has no object `{digest}`")]
    Missing {
        /// The absent file or folder.
        digest: Digest,
    },
    /// The cache held other bytes under this name; they have been removed.
    #[error("the cached object `{digest}` was damaged and has been removed")]
    Damaged {
        /// The file or folder that the cache no longer holds.
        digest: Digest,
    },
    /// A tree's bytes hash to its name, but no version of this program wrote them.
    #[error("cannot read the tree `{digest}`: line {line} is not as expected")]
    MalformedTree {
        /// The folder.
        digest: Digest,
        /// The line, from 1.
        line: usize,
    },
    /// A tree names a file outside of the folder that it describes.
    #[error("refused to restore the tree `{digest}`: `{path}` leaves its folder")]
    UnsafePath {
        /// The folder.
        digest: Digest,
        /// The path as the tree has it.
        path: String,
    },
    /// Content to be stored under a name has another length than was announced.
    #[error("cannot keep `{name}`: expected {expected} bytes, found {found}")]
    Incomplete {
        /// The name.
        name: Digest,
        /// Announced number of bytes.
        expected: u64,
        /// Number of bytes read, at most one more than was announced.
        found: u64,
    },
    /// A text isn't a digest.
    #[error(transparent)]
    InvalidDigest(#[from] InvalidDigest),
}
