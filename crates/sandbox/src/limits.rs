//! What a process may reach.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Paths with what a process may do there: files, or folders with all that is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    lists: BTreeSet<PathBuf>,
    reads: BTreeSet<PathBuf>,
    makes: BTreeSet<PathBuf>,
    writes: BTreeSet<PathBuf>,
}

impl Limits {
    /// Allows to list the names in the folder `path` and below it, not what they hold.
    pub fn list(&mut self, path: impl Into<PathBuf>) {
        self.lists.insert(path.into());
    }

    /// Allows to read `path` and to run what it holds.
    pub fn read(&mut self, path: impl Into<PathBuf>) {
        self.reads.insert(path.into());
    }

    /// Allows to make, write and remove what lies in the folder `path`, not to read it.
    pub fn make(&mut self, path: impl Into<PathBuf>) {
        self.makes.insert(path.into());
    }

    /// Allows to read, write, make and remove what lies at `path`.
    pub fn write(&mut self, path: impl Into<PathBuf>) {
        self.writes.insert(path.into());
    }

    /// What may be listed.
    pub(crate) fn lists(&self) -> &BTreeSet<PathBuf> {
        &self.lists
    }

    /// What may be read, not written.
    pub(crate) fn reads(&self) -> &BTreeSet<PathBuf> {
        &self.reads
    }

    /// What may be written, not read.
    pub(crate) fn makes(&self) -> &BTreeSet<PathBuf> {
        &self.makes
    }

    /// What may be read and written.
    pub(crate) fn writes(&self) -> &BTreeSet<PathBuf> {
        &self.writes
    }

    /// Whether what lies at `path` may be read.
    #[must_use]
    pub fn allow_read(&self, path: &Path) -> bool {
        holds(&self.reads, path) || holds(&self.writes, path)
    }

    /// Whether what lies at `path` may be read and written.
    #[must_use]
    pub fn allow_write(&self, path: &Path) -> bool {
        holds(&self.writes, path)
    }
}

fn holds(paths: &BTreeSet<PathBuf>, path: &Path) -> bool {
    path.ancestors().any(|folder| paths.contains(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_allowed_with_all_that_is_in_it() {
        let mut limits = Limits::default();
        limits.read("/data/in");
        limits.make("/work");
        limits.write("/work/out");
        assert!(limits.allow_read(Path::new("/data/in/a/b.csv")));
        assert!(!limits.allow_write(Path::new("/data/in/a/b.csv")));
        assert!(limits.allow_write(Path::new("/work/out")));
        assert!(!limits.allow_read(Path::new("/work/new")));
        assert!(!limits.allow_read(Path::new("/data/inner")));
    }
}
