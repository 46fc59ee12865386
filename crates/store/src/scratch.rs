//! Files and folders that exist while work is under way.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::Result;
use crate::remove::remove_path;

/// Leftovers older than this are removed even if a process with the writer's number lives.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A temporary name, `<prefix><process>-<number>`; a file or folder of this name is removed when this value is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    persisted: bool,
}

impl Scratch {
    /// A name in `folder` that no living process uses.
    pub(crate) fn new(folder: &Path, prefix: &str) -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}{}-{number}", std::process::id());
        Self {
            path: folder.join(name),
            persisted: false,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the name up without removing the file or folder.
    pub(crate) fn release(mut self) {
        self.persisted = true;
    }

    /// The same within one file system.
    pub(crate) fn rename(mut self, to: &Path) -> Result<()> {
        fs_err::rename(&self.path, to)?;
        self.persisted = true;
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.persisted {
            // A failure is of no consequence: the next `clean` removes the rest.
            let _ = remove_path(&self.path);
        }
    }
}

/// Removes leftovers of ended processes in `folder` under names with `prefix`.
pub(crate) fn clean(folder: &Path, prefix: &str) -> Result<()> {
    clean_by(folder, |name| writer(name, prefix))
}

/// Removes leftovers of ended processes in `folder`, with writers read from names by `writer`.
pub(crate) fn clean_by(folder: &Path, writer: impl Fn(&str) -> Option<Writer>) -> Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let writer = name.to_str().and_then(&writer);
        if writer.is_some_and(|writer| writer.is_gone() || is_stale(&entry)) {
            remove_path(&entry.path())?;
        }
    }
    Ok(())
}

/// Writer of a scratch file, read from its name.
pub(crate) struct Writer {
    process: u32,
    number: u64,
}

/// Reads the writer from a name with `prefix`.
pub(crate) fn writer(name: &str, prefix: &str) -> Option<Writer> {
    let (process, number) = name.strip_prefix(prefix)?.split_once('-')?;
    Some(Writer {
        process: process.parse().ok()?,
        number: number.parse().ok()?,
    })
}

impl Writer {
    fn is_gone(&self) -> bool {
        if self.process == std::process::id() {
            // In a container, process numbers repeat from run to run.
            return self.number >= COUNTER.load(Ordering::Relaxed);
        }
        !i32::try_from(self.process).is_ok_and(is_alive)
    }
}

#[cfg(unix)]
fn is_alive(pid: i32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    // A process of another user counts as alive: it answers with a lack of permission.
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn is_alive(_pid: i32) -> bool {
    true
}

fn is_stale(entry: &fs_err::DirEntry) -> bool {
    let age = entry
        .metadata()
        .and_then(|metadata| metadata.modified())
        .map(|modified| modified.elapsed().unwrap_or_default());
    age.is_ok_and(|age| age > STALE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_leftovers_of_the_dead_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        // No process has the largest number: kernels stop at 2²².
        for name in ["work-2147483647-0", "other-2147483647-0", "work-notes"] {
            fs_err::write(file(name), "x").unwrap();
        }
        let reused = format!("work-{}-{}", std::process::id(), u64::MAX);
        fs_err::write(file(&reused), "x").unwrap();
        let mine = Scratch::new(folder.path(), "work-");
        fs_err::write(mine.path(), "x").unwrap();

        clean(folder.path(), "work-").unwrap();

        assert!(!file("work-2147483647-0").exists());
        assert!(!file(&reused).exists());
        assert!(file("other-2147483647-0").exists());
        assert!(file("work-notes").exists());
        assert!(mine.path().exists());
        let path = mine.path().to_owned();
        drop(mine);
        assert!(!path.exists());
    }
}
