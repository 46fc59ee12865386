//! What a process may reach.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Paths with what a process may do there: files, or folders with all that is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    lists: Vec<PathBuf>,
    reads: Vec<PathBuf>,
    makes: Vec<PathBuf>,
    writes: Vec<PathBuf>,
}

impl Limits {
    /// Allows to list the names in the folder `path` and below it, not what they hold.
    pub fn list(&mut self, path: impl Into<PathBuf>) {
        add(&mut self.lists, path.into());
    }

    /// Allows to read `path` and to run what it holds.
    pub fn read(&mut self, path: impl Into<PathBuf>) {
        add(&mut self.reads, path.into());
    }

    /// Allows to make, write and remove what lies in the folder `path`, not to read it.
    pub fn make(&mut self, path: impl Into<PathBuf>) {
        add(&mut self.makes, path.into());
    }

    /// Allows to read, write, make and remove what lies at `path`.
    pub fn write(&mut self, path: impl Into<PathBuf>) {
        add(&mut self.writes, path.into());
    }

    /// What may be listed.
    pub(crate) fn lists(&self) -> &[PathBuf] {
        &self.lists
    }

    /// What may be read, not written.
    pub(crate) fn reads(&self) -> &[PathBuf] {
        &self.reads
    }

    /// What may be written, not read.
    pub(crate) fn makes(&self) -> &[PathBuf] {
        &self.makes
    }

    /// What may be read and written.
    pub(crate) fn writes(&self) -> &[PathBuf] {
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

/// Adds a path unless it lies in one that is there.
fn add(paths: &mut Vec<PathBuf>, path: PathBuf) {
    if !holds(paths, &path) {
        paths.push(path);
    }
}

fn holds(paths: &[PathBuf], path: &Path) -> bool {
    paths.iter().any(|allowed| path.starts_with(allowed))
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

    #[test]
    fn what_lies_in_an_allowed_folder_needs_no_rule() {
        let mut limits = Limits::default();
        limits.read("/usr");
        limits.read("/usr/lib");
        assert_eq!(limits.reads(), [Path::new("/usr")]);
    }
}
