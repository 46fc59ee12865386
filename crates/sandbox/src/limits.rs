//! Paths that a process may access.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Paths that a process may access, by kind of access: files, or folders with all their entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    lists: BTreeSet<PathBuf>,
    reads: BTreeSet<PathBuf>,
    makes: BTreeSet<PathBuf>,
    writes: BTreeSet<PathBuf>,
}

impl Limits {
    /// Allows to list the names in the folder `path` and below it, not to read contents.
    pub fn list(&mut self, path: impl Into<PathBuf>) {
        self.lists.insert(path.into());
    }

    /// Allows to read `path` and to execute files in it.
    pub fn read(&mut self, path: impl Into<PathBuf>) {
        self.reads.insert(path.into());
    }

    /// Allows to make, write and remove entries of the folder `path`, not to read them.
    pub fn make(&mut self, path: impl Into<PathBuf>) {
        self.makes.insert(path.into());
    }

    /// Allows to read, write, make and remove the file or folder `path`.
    pub fn write(&mut self, path: impl Into<PathBuf>) {
        self.writes.insert(path.into());
    }

    /// Folders that may be listed.
    pub(crate) fn lists(&self) -> &BTreeSet<PathBuf> {
        &self.lists
    }

    /// Paths that may be read, not written.
    pub(crate) fn reads(&self) -> &BTreeSet<PathBuf> {
        &self.reads
    }

    /// Folders that may be written to, not read.
    pub(crate) fn makes(&self) -> &BTreeSet<PathBuf> {
        &self.makes
    }

    /// Paths that may be read and written.
    pub(crate) fn writes(&self) -> &BTreeSet<PathBuf> {
        &self.writes
    }

    /// Returns whether `path` may be read.
    #[must_use]
    pub fn allow_read(&self, path: &Path) -> bool {
        holds(&self.reads, path) || holds(&self.writes, path)
    }

    /// Returns whether `path` may be read and written.
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
