//! One repro at a time in a workspace.

use std::fs::TryLockError;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use executor::Interrupts;

use crate::error::Result;
use crate::events::{Event, Events};

/// How often a waiting repro looks whether it is its turn.
const TICK: Duration = Duration::from_millis(100);

/// Held until dropped, or until the process ends in whatever way.
pub(crate) struct Guard {
    _file: fs_err::File,
}

/// Waits for other repros, having said for whom.
///
/// # Errors
/// The file cannot be locked, or a signal asks to stop.
pub(crate) fn acquire(
    path: &Path,
    interrupts: &Interrupts,
    events: &mut dyn Events,
) -> Result<Guard> {
    let mut options = fs_err::OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let mut was_told = false;
    loop {
        match file.file().try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) => {}
        }
        if !was_told {
            let mut holder = String::new();
            file.read_to_string(&mut holder)?;
            events.event(Event::Waiting {
                holder: holder.trim(),
            });
            was_told = true;
        }
        interrupts.check()?;
        std::thread::sleep(TICK);
    }
    file.file().set_len(0)?;
    file.rewind()?;
    // On a full disk those who wait aren't told for whom, and what clears it goes on.
    let _ = writeln!(file, "{}", std::process::id());
    Ok(Guard { _file: file })
}
