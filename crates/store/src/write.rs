//! Files written in one step.

use std::path::Path;

use crate::Result;
use crate::place::persist;
use crate::scratch::{Scratch, clean_by, writer};

/// Between the name of a file and the number of a process that is writing it.
const WRITTEN: &str = ".tmp-";

/// Writes `bytes` to `to` in one step, beside other processes that do the same: a reader sees the old content or the
/// new.
///
/// # Errors
/// The folder of `to` cannot be written.
pub fn write_whole(to: &Path, bytes: &[u8]) -> Result<()> {
    let folder = match to.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    write_whole_in(folder, to, bytes)
}

/// As [`write_whole`], with the unfinished file in `folder` and not beside `to`.
///
/// # Errors
/// `folder` or that of `to` cannot be written.
pub fn write_whole_in(folder: &Path, to: &Path, bytes: &[u8]) -> Result<()> {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    write_by(Scratch::new(folder, &format!("{name}{WRITTEN}")), bytes, to)
}

/// Removes unfinished files of [`write_whole`] and [`write_whole_in`] in `folder`, left by killed processes.
///
/// # Errors
/// The folder cannot be listed, or a file cannot be removed.
pub fn remove_unwritten(folder: &Path) -> Result<()> {
    clean_by(folder, |name| {
        let (start, _) = name.rsplit_once(WRITTEN)?;
        writer(name, &name[..start.len() + WRITTEN.len()])
    })
}

/// Writes `bytes` to `to` in one step, by way of `scratch`.
pub(crate) fn write_by(scratch: Scratch, bytes: &[u8], to: &Path) -> Result<()> {
    fs_err::write(scratch.path(), bytes)?;
    persist(scratch, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs_err::write(folder.path().join("file.tmp-2147483647-0"), "half").unwrap();
        write_whole(&path, b"old").unwrap();
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"new");
        let other = folder.path().join("other");
        fs_err::create_dir(&other).unwrap();
        write_whole_in(&other, &path, b"newer").unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"newer");
        fs_err::remove_dir(other).unwrap();
        remove_unwritten(folder.path()).unwrap();
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
    }
}
