//! Stages that outlive the run that started them.
//!
//! A stage holds the lock of its work folder by a descriptor that it inherits, so that the lock is held as long as any of
//! its processes lives, whichever of runner and supervisor was killed. Before a work folder is used again, the lock is
//! waited for, and what holds it without a supervisor is ended.

use std::collections::BTreeSet;
use std::fs::TryLockError;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use protocol::environment;
use rustix::process::{Pid, Signal, getpgid, kill_process, kill_process_group};

use super::supervisor::STAGE_LOCK;
use crate::error::ExecutorError;
use crate::interrupts::Interrupts;

/// The job file, in the work folder.
pub const JOB: &str = "job.json";

/// Time for the supervisor of a killed run to end its stage.
pub const GRACE: Duration = Duration::from_secs(2);

/// Interval between two attempts to take the lock.
const TICK: Duration = Duration::from_millis(20);

/// A stage that was still at work.
pub struct Reclaimed {
    /// The instance, by its job file.
    pub stage: String,
    /// Its processes, which were killed; empty where the system doesn't list them.
    pub processes: Vec<i32>,
}

impl Reclaimed {
    /// A line for people.
    pub fn text(&self, work: &Path) -> String {
        let work = work.display();
        match self.processes.as_slice() {
            [] => format!("a killed run left it at work in `{work}`: waiting for its end"),
            processes => {
                let numbers: Vec<String> = processes.iter().map(ToString::to_string).collect();
                format!(
                    "a killed run left it at work: stopped (process {})",
                    numbers.join(", ")
                )
            }
        }
    }
}

/// Waits until no stage is at work in the folder `work`. One that is after `grace` is killed, where the system tells its
/// processes, and reported to `report`.
///
/// # Errors
/// The lock cannot be read, or a signal asks to stop.
pub fn end(
    work: &Path,
    grace: Duration,
    interrupts: &Interrupts,
    mut report: impl FnMut(&Reclaimed),
) -> Result<(), ExecutorError> {
    let path = work.join(STAGE_LOCK);
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
            // What is still there then was started meanwhile, or cannot be told.
            due += GRACE.max(grace) * 5;
        }
        interrupts.check()?;
        std::thread::sleep(TICK);
    }
}

/// Kills the processes of the stage at work in `work`.
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
        stage: stage_of(work),
        processes: processes.into_iter().collect(),
    }
}

/// The instance that works in `work`.
fn stage_of(work: &Path) -> String {
    let job = fs_err::read(work.join(JOB)).unwrap_or_default();
    let job: Option<serde_json::Value> = serde_json::from_slice(&job).ok();
    let name = job.and_then(|job| job.get("stage")?.as_str().map(str::to_owned));
    name.unwrap_or_else(|| "a stage".into())
}

/// The processes that were started with the job file of `work`, or hold its lock, where `/proc` lists processes.
fn holders(work: &Path) -> BTreeSet<i32> {
    let name = environment::JOB.as_bytes();
    let variable = [name, b"=", work.join(JOB).as_os_str().as_bytes()].concat();
    let lock = work.join(STAGE_LOCK);
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

fn was_started_with(process: &Path, variable: &[u8]) -> bool {
    // A process that ends meanwhile has no environment to read.
    let environment = fs_err::read(process.join("environ")).unwrap_or_default();
    let mut variables = environment.split(|byte| *byte == 0);
    variables.any(|one| one == variable)
}

/// Whether a process holds the lock by one of its descriptors; that it has the file open is not enough.
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
        if skip::unless(Path::new("/proc/self/environ").exists(), "proc") {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let work = fs_err::canonicalize(folder.path()).unwrap();
        fs_err::write(work.join(JOB), r#"{"stage": "slow@1"}"#).unwrap();
        let lock = fs_err::File::create(work.join(STAGE_LOCK)).unwrap();
        lock.file().lock().unwrap();
        // Standard input is one of the descriptors that are inherited.
        let mut child = Command::new("sleep")
            .arg("600")
            .stdin(Stdio::from(lock.into_parts().0))
            .spawn()
            .unwrap();
        let mut reported = Vec::new();
        let interrupts = Interrupts::catch().unwrap();
        end(&work, Duration::ZERO, &interrupts, |reclaimed| {
            reported.push((reclaimed.stage.clone(), reclaimed.processes.clone()));
        })
        .unwrap();
        let expected = ("slow@1".to_owned(), vec![child.id().cast_signed()]);
        assert_eq!(reported, [expected]);
        assert!(!child.wait().unwrap().success());
        // Nothing holds it now.
        end(&work, Duration::ZERO, &interrupts, |_| panic!("held")).unwrap();
    }
}
