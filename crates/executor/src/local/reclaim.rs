//! Tasks that outlive the run that started them.
//!
//! A task holds the lock of its work folder by a descriptor that it inherits, so that the lock is held as long as any
//! of its processes lives, whichever of runner and supervisor was killed. Before a work folder is used again, the lock
//! is waited for, and processes that hold it without a supervisor are ended.

use std::collections::BTreeSet;
use std::fs::TryLockError;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use protocol::environment;
use rustix::process::{Pid, Signal, getpgid, kill_process, kill_process_group};

use crate::error::ExecutorError;
use crate::interrupts::Interrupts;
use crate::update::Reclaimed;

/// Time for the supervisor of a killed run to end its task.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// Interval between two attempts to take the lock.
const TICK: Duration = Duration::from_millis(20);

/// The file in a work folder that is locked while a task runs there, by the task itself: it inherits the descriptor.
pub(super) fn lock_of(work: &Path) -> PathBuf {
    work.join("lock")
}

/// Waits until no task uses the folder `work`. A task that is still there after `grace` is killed, where the system
/// lists its processes, and passed to `report`.
///
/// # Errors
/// The lock cannot be read, or a signal to stop came.
pub(super) fn reclaim(
    work: &Path,
    grace: Duration,
    interrupts: &Interrupts,
    report: &mut dyn FnMut(&Reclaimed),
) -> Result<(), ExecutorError> {
    let path = lock_of(work);
    if !path.is_file() {
        return Ok(());
    }
    let lock = fs_err::File::open(path)?;
    let mut due = Instant::now() + grace;
    loop {
        match lock.file().try_lock_shared() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) => {}
        }
        if Instant::now() >= due {
            report(&kill_holders(work));
            // A task that is still there then was started meanwhile, or its processes are unknown.
            due += GRACE.max(grace) * 5;
        }
        interrupts.check()?;
        std::thread::sleep(TICK);
    }
}

/// Kills the processes of the task at work in `work`.
fn kill_holders(work: &Path) -> Reclaimed {
    let processes = holders(work);
    for process in processes.iter().filter_map(|&number| Pid::from_raw(number)) {
        // One that has ended needs no signal.
        if getpgid(Some(process)) == Ok(process) {
            let _ = kill_process_group(process, Signal::KILL);
        }
        let _ = kill_process(process, Signal::KILL);
    }
    Reclaimed {
        processes: processes.into_iter().collect(),
    }
}

/// The processes that were started with a job file in `work`, or hold its lock, where `/proc` lists processes.
fn holders(work: &Path) -> BTreeSet<i32> {
    let name = environment::JOB.as_bytes();
    let variable = [name, b"=", work.as_os_str().as_bytes(), b"/"].concat();
    let lock = lock_of(work);
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let entries = fs_err::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| {
        let number: i32 = entry.file_name().to_str()?.parse().ok()?;
        let is_holder = number != own
            && (was_started_with(&entry.path(), &variable) || holds(&entry.path(), &lock));
        is_holder.then_some(number)
    });
    numbers.collect()
}

/// Returns whether a variable of a process begins with `variable`.
fn was_started_with(process: &Path, variable: &[u8]) -> bool {
    // A process that ends meanwhile has no environment to read.
    let environment = fs_err::read(process.join("environ")).unwrap_or_default();
    let mut variables = environment.split(|byte| *byte == 0);
    variables.any(|one| one.starts_with(variable))
}

/// Returns whether a process holds the lock by one of its descriptors; an open file is not enough.
fn holds(process: &Path, lock: &Path) -> bool {
    let descriptors = fs_err::read_dir(process.join("fd"));
    let mut descriptors = descriptors.into_iter().flatten().flatten();
    descriptors.any(|descriptor| {
        let info = || -> Option<PathBuf> {
            let leads_to = fs_err::read_link(descriptor.path()).ok()?;
            let is_lock = leads_to == lock;
            is_lock.then(|| process.join("fdinfo").join(descriptor.file_name()))
        };
        let text = info().and_then(|info| fs_err::read_to_string(info).ok());
        text.is_some_and(|text| text.contains("FLOCK"))
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_that_holds_an_inherited_lock_is_ended() {
        let has_flock = Command::new("flock").arg("--version").output().is_ok();
        if skip::unless(Path::new("/proc/self/environ").exists(), "proc")
            || skip::unless(has_flock, "flock")
        {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let work = fs_err::canonicalize(folder.path()).unwrap();
        let lock = lock_of(&work);
        fs_err::write(&lock, "").unwrap();
        // It takes the lock itself: processes of other tests would inherit a descriptor of this process.
        let mut child = Command::new("flock")
            .args(["--no-fork".as_ref(), lock.as_os_str()])
            .args(["sleep", "600"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let probe = fs_err::File::open(&lock).unwrap();
        while probe.file().try_lock_shared().is_ok() {
            probe.file().unlock().unwrap();
            std::thread::sleep(TICK);
        }
        let mut reported = Vec::new();
        let interrupts = Interrupts::default();
        reclaim(&work, Duration::ZERO, &interrupts, &mut |reclaimed| {
            reported.extend(reclaimed.processes.clone());
        })
        .unwrap();
        assert_eq!(reported, [child.id().cast_signed()]);
        assert!(!child.wait().unwrap().success());
        // Nothing holds it now.
        reclaim(&work, Duration::ZERO, &interrupts, &mut |_| panic!("held")).unwrap();
    }

    #[test]
    fn a_process_that_closed_its_lock_is_known_by_its_job_file() {
        if skip::unless(Path::new("/proc/self/environ").exists(), "proc") {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let work = fs_err::canonicalize(folder.path()).unwrap();
        let start = |job: PathBuf| {
            let mut command = Command::new("sleep");
            command.arg("600").env(environment::JOB, job);
            let child = command.spawn().unwrap();
            // A process that was just started has no environment yet: the system lists it before it has copied that.
            let environment = format!("/proc/{}/environ", child.id());
            while fs_err::read(&environment).unwrap().is_empty() {
                std::thread::sleep(TICK);
            }
            child
        };
        let mut own = start(work.join("job.json"));
        let mut other = start(work.with_extension("other").join("job.json"));
        assert_eq!(holders(&work), BTreeSet::from([own.id().cast_signed()]));
        for child in [&mut own, &mut other] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[test]
    fn a_folder_without_a_lock_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let interrupts = Interrupts::default();
        reclaim(folder.path(), Duration::ZERO, &interrupts, &mut |_| {
            panic!("held")
        })
        .unwrap();
    }

    #[test]
    fn a_signal_ends_the_wait() {
        let folder = tempfile::tempdir().unwrap();
        let lock = fs_err::File::create(lock_of(folder.path())).unwrap();
        lock.file().lock().unwrap();
        let interrupts = Interrupts::default();
        interrupts.interrupt(2);
        let grace = Duration::from_secs(600);
        let ended = reclaim(folder.path(), grace, &interrupts, &mut |_| panic!("killed"));
        assert!(matches!(ended, Err(ExecutorError::Interrupted(_))));
    }
}
