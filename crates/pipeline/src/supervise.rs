//! The process between the runner and a stage.
//!
//! It starts the stage in a process group of its own and sees to it that
//! nothing of this group outlives the stage or the runner, however the runner
//! ends: its standard input is a pipe that the runner holds open and that the
//! kernel closes even after `kill -9`.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use confine::Limits;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, killpg};
use nix::sys::time::TimeValLike;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{Error, Result};
use crate::events::Usage;

/// How long a stage may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// The file in a work folder that is locked while a stage runs there.
pub(crate) const STAGE_LOCK: &str = "lock";

/// What to start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) folder: PathBuf,
    /// Variables added to the environment.
    pub(crate) environment: Vec<(String, String)>,
    /// What it may reach; everything if not given.
    pub(crate) limits: Option<Limits>,
    /// How long it may run.
    pub(crate) timeout: Option<Duration>,
    /// Where standard error goes.
    pub(crate) log: PathBuf,
    /// Where the [`Ending`] goes.
    pub(crate) ending: PathBuf,
    /// Held while the stage runs, so that two never work in the same folder.
    pub(crate) lock: PathBuf,
}

/// How a stage ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ending {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    /// The time that it was stopped after.
    pub(crate) timeout: Option<Duration>,
    pub(crate) usage: Usage,
}

impl Ending {
    pub(crate) fn is_success(&self) -> bool {
        self.code == Some(0) && self.timeout.is_none()
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(timeout) = self.timeout {
            return write!(f, "stopped after its timeout of {timeout:?}");
        }
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit status {code}"),
            (None, Some(signal)) => match Signal::try_from(signal) {
                Ok(signal) => write!(f, "killed by {}", signal.as_str()),
                Err(_) => write!(f, "killed by signal {signal}"),
            },
            (None, None) => write!(f, "ended without a status"),
        }
    }
}

/// The hidden subcommand: runs the stage that the file `spec` describes and
/// notes how it ended.
///
/// # Errors
/// The file isn't a description, or the stage cannot be started.
pub fn supervise(spec: &Path) -> Result<()> {
    let spec: Spec = serde_json::from_slice(&fs_err::read(spec)?).map_err(std::io::Error::from)?;
    // A stage whose runner was killed may need a moment to end.
    let lock = fs_err::File::create(&spec.lock)?;
    lock.file().lock()?;
    if is_orphan()? {
        // Whoever comes next may be at work in this folder already.
        return Ok(());
    }
    let start = Instant::now();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let mut child = spawn(&spec).map_err(|error| {
        let program = spec.program.display();
        Error::Invalid(format!("cannot start `{program}`: {error}"))
    })?;
    let group = Pid::from_raw(child.id().cast_signed());
    std::thread::spawn(move || {
        // Reading ends when the runner is gone.
        let _ = std::io::stdin().read(&mut [0]);
        stop(group, Signal::SIGKILL);
    });
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            end(group);
        }
    });
    let is_late = Arc::new(AtomicBool::new(false));
    if let Some(timeout) = spec.timeout {
        let is_late = Arc::clone(&is_late);
        std::thread::spawn(move || {
            std::thread::sleep(timeout);
            is_late.store(true, Ordering::Relaxed);
            end(group);
        });
    }
    let status = child.wait()?;
    stop(group, Signal::SIGKILL);
    let ending = Ending {
        code: status.code(),
        signal: ExitStatus::signal(&status),
        timeout: spec.timeout.filter(|_| is_late.load(Ordering::Relaxed)),
        usage: usage(start.elapsed())?,
    };
    let text = serde_json::to_vec(&ending).map_err(std::io::Error::from)?;
    let aside = spec.ending.with_extension("part");
    fs_err::write(&aside, text)?;
    Ok(fs_err::rename(aside, &spec.ending)?)
}

/// Whether the runner is gone. It writes nothing: there is something to read when the pipe's other end is closed.
fn is_orphan() -> Result<bool> {
    let stdin = std::io::stdin();
    let mut polled = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    let n_ready = poll(&mut polled, PollTimeout::ZERO).map_err(std::io::Error::from)?;
    Ok(n_ready > 0)
}

fn spawn(spec: &Spec) -> std::io::Result<Child> {
    let mut command = command(spec)?;
    match &spec.limits {
        Some(limits) => confine::spawn(&mut command, limits).map(|(child, _)| child),
        None => command.spawn(),
    }
}

fn command(spec: &Spec) -> std::io::Result<Command> {
    let mut log = fs_err::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&spec.log)?;
    log.flush()?;
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.arguments)
        .current_dir(&spec.folder)
        .process_group(0);
    command.envs(spec.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stderr(log.into_parts().0);
    Ok(command)
}

/// Asks the group to end, and sees to it after a while.
fn end(group: Pid) {
    stop(group, Signal::SIGTERM);
    std::thread::sleep(GRACE);
    stop(group, Signal::SIGKILL);
}

/// Signals the group; one that is gone needs no signal.
fn stop(group: Pid, signal: Signal) {
    let _ = killpg(group, signal);
}

fn usage(wall: Duration) -> Result<Usage> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(std::io::Error::from)?;
    let cpu_us = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    // Kilobytes on Linux, bytes on macOS.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Ok(Usage {
        wall_s: wall.as_secs_f64(),
        cpu_s: Duration::from_micros(u64::try_from(cpu_us).unwrap_or(0)).as_secs_f64(),
        peak_bytes: u64::try_from(usage.max_rss()).unwrap_or(0) * unit,
    })
}
