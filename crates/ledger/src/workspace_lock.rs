//! One repro at a time in a workspace.

use std::fs::TryLockError;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use executor::Interrupts;

use crate::error::Result;

/// Interval at which a waiting repro tries to take the lock.
const TICK: Duration = Duration::from_millis(100);

/// Held until dropped, or until the process ends in whatever way.
#[derive(Debug)]
pub struct Guard {
    _file: fs_err::File,
}

/// Waits for other repros. `on_wait` gets the process id of the one that holds the lock, once.
///
/// # Errors
/// The file cannot be locked, or a signal to stop came.
pub fn acquire(
    path: &Path,
    interrupts: &Interrupts,
    on_wait: &mut dyn FnMut(&str),
) -> Result<Guard> {
    let mut options = fs_err::OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let mut has_reported = false;
    loop {
        match file.file().try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) => {}
        }
        if !has_reported {
            let mut holder = String::new();
            file.read_to_string(&mut holder)?;
            on_wait(holder.trim());
            has_reported = true;
        }
        interrupts.check()?;
        std::thread::sleep(TICK);
    }
    file.file().set_len(0)?;
    file.rewind()?;
    // On a full disk the process id is missing, and commands that clear the disk go on.
    let _ = writeln!(file, "{}", std::process::id());
    Ok(Guard { _file: file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_hears_once_for_whom() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let interrupts = Interrupts::default();
        let first = acquire(&path, &interrupts, &mut |_| panic!("the lock is free")).unwrap();
        let mut holders = Vec::new();
        let second = acquire(&path, &interrupts, &mut |holder| {
            holders.push(holder.to_owned());
            interrupts.interrupt(2);
        });
        assert!(second.is_err());
        assert_eq!(holders, [std::process::id().to_string()]);
        drop(first);
        acquire(&path, &Interrupts::default(), &mut |_| {
            panic!("the lock is free")
        })
        .unwrap();
    }
}
