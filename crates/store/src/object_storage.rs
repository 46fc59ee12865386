//! Storage of content by hash, on this machine or elsewhere.

use std::io::{Read, Write};
use std::ops::ControlFlow;

use crate::{Digest, Result};

/// Kind of entries of a storage. Each has names of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The bytes of a file, named by their hash.
    Object,
    /// The text that describes a folder, named by its hash.
    Tree,
    /// A [`Record`](crate::Record) as JSON, named by the key of the run.
    Record,
    /// Text of a check and of a content that has passed it, named by its hash.
    CheckStamp,
}

impl Kind {
    /// All kinds, each after those that it names.
    pub const ALL: [Self; 4] = [Self::Object, Self::Tree, Self::Record, Self::CheckStamp];

    /// Name of the folder of this kind: `objects`, `trees`, `records`, `checks`.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Object => "objects",
            Self::Tree => "trees",
            Self::Record => "records",
            Self::CheckStamp => "checks",
        }
    }
}

/// Content by hash, in this machine's [`Store`](crate::Store) or elsewhere.
///
/// An implementation may rely on this: objects, trees and check stamps never change under their names, so that to put
/// one again changes nothing; a record may be replaced, and the last one counts. Callers check all that they get: an
/// object, a tree and a stamp by its hash, a record by its manifest. They call from several threads, and put objects
/// before the trees that name them, and trees before records. Nothing is removed through this trait.
pub trait ObjectStorage: Send + Sync {
    /// Writes the bytes under `name` to `to` and returns their number.
    ///
    /// # Errors
    /// [`Error::Missing`](crate::Error::Missing) where there are none; they cannot be read or written.
    fn get(&self, kind: Kind, name: &Digest, to: &mut dyn Write) -> Result<u64>;

    /// Keeps the `n_bytes` bytes of `from` under `name`: all of them or nothing.
    ///
    /// # Errors
    /// `from` has another number of bytes, or they cannot be read or written.
    fn put(&self, kind: Kind, name: &Digest, from: &mut dyn Read, n_bytes: u64) -> Result<()>;

    /// Returns for each of `names` whether something is there: one question for many names.
    ///
    /// # Errors
    /// The storage cannot be reached.
    fn exists(&self, kind: Kind, names: &[Digest]) -> Result<Vec<bool>>;

    /// Calls `visit` with the name and the number of bytes of all that is there, until it breaks.
    ///
    /// # Errors
    /// The storage cannot be reached or listed.
    fn list(&self, kind: Kind, visit: &mut dyn FnMut(Digest, u64) -> ControlFlow<()>)
    -> Result<()>;
}
