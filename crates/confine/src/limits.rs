//! What a process may reach.

use std::env;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where systems keep programs, libraries, settings and what they tell of themselves.
const SYSTEM: [&str; 13] = [
    "/bin", "/sbin", "/usr", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/nix", "/gnu", "/proc",
    "/sys", "/run",
];

/// Terminals, random numbers, accelerators.
const DEVICES: &str = "/dev";

/// Paths that a process may read, and those that it may write too: files, or folders with all that is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    reads: Vec<PathBuf>,
    writes: Vec<PathBuf>,
}

impl Limits {
    /// What every program needs: the system's folders and those that programs on `PATH` are installed in, to read;
    /// devices, to write too.
    #[must_use]
    pub fn system() -> Self {
        let mut limits = Self::default();
        SYSTEM.into_iter().for_each(|path| limits.read(path));
        limits.write(DEVICES);
        let home = env::var_os("HOME").map(PathBuf::from);
        for folder in folders_of("PATH") {
            limits.read(installation(&folder, home.as_deref()));
        }
        folders_of("LD_LIBRARY_PATH").for_each(|folder| limits.read(folder));
        limits
    }

    /// Allows to read `path` and to run what it holds.
    pub fn read(&mut self, path: impl Into<PathBuf>) {
        self.reads.push(path.into());
    }

    /// Allows to read, write, make and remove what lies at `path`.
    pub fn write(&mut self, path: impl Into<PathBuf>) {
        self.writes.push(path.into());
    }

    /// What may be read, not written.
    pub(crate) fn reads(&self) -> &[PathBuf] {
        &self.reads
    }

    /// What may be written.
    pub(crate) fn writes(&self) -> &[PathBuf] {
        &self.writes
    }

    /// Whether `path` lies in what may be read.
    #[must_use]
    pub fn allow(&self, path: &Path) -> bool {
        let mut allowed = self.reads.iter().chain(&self.writes);
        allowed.any(|allowed| path.starts_with(allowed))
    }
}

/// The absolute folders that a variable of the environment lists.
fn folders_of(variable: &str) -> impl Iterator<Item = PathBuf> {
    let value = env::var_os(variable).unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&value).collect();
    folders.into_iter().filter(|folder| folder.is_absolute())
}

/// What belongs to the programs in `folder`: for `X/bin`, `X`, since libraries lie beside programs. A folder that holds
/// more than programs, the root or `home`, isn't given away for its `bin`.
fn installation(folder: &Path, home: Option<&Path>) -> PathBuf {
    let is_bin = folder.file_name().is_some_and(|name| name == "bin");
    match folder.parent() {
        Some(above) if is_bin && Some(above) != home && holds_little(above) => above.to_owned(),
        _ => folder.to_owned(),
    }
}

/// Whether `path` is deeper than the root's own folders.
fn holds_little(path: &Path) -> bool {
    let names = path.components();
    names
        .filter(|part| matches!(part, Component::Normal(_)))
        .count()
        > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_come_with_what_lies_beside_them() {
        let home = Path::new("/home/ada");
        let given = |folder: &str| installation(Path::new(folder), Some(home));
        assert_eq!(
            given("/home/ada/study/.venv/bin"),
            Path::new("/home/ada/study/.venv")
        );
        assert_eq!(given("/home/ada/.cargo/bin"), Path::new("/home/ada/.cargo"));
        assert_eq!(given("/home/ada/bin"), Path::new("/home/ada/bin"));
        assert_eq!(given("/bin"), Path::new("/bin"));
        assert_eq!(given("/data/bin"), Path::new("/data/bin"));
        assert_eq!(given("/home/ada/tools"), Path::new("/home/ada/tools"));
    }

    #[test]
    fn a_folder_is_allowed_with_all_that_is_in_it() {
        let mut limits = Limits::default();
        limits.read("/data/in");
        limits.write("/work/out");
        assert!(limits.allow(Path::new("/data/in/a/b.csv")));
        assert!(limits.allow(Path::new("/work/out")));
        assert!(!limits.allow(Path::new("/data/inner")));
    }
}
