//! The process between the runner and its stages.
//!
//! It starts one stage after another, each in a process group of its own, and sees to it that nothing of a group outlives
//! the stage or the runner, however the runner ends: its standard input is a pipe that the runner holds open and that the
//! kernel closes even after `kill -9`. It has a session of its own, so that what kills the runner's process group leaves
//! it there to end the stage; where it is killed, too, the stage goes on to hold the lock of its work folder.
//!
//! On standard input it is given a `Spec` a line. On standard output, a line that begins with `SAID` is what the stage
//! wrote to its own, and one that begins with `ENDED` says how it ended. What a stage writes cannot pass for the latter.

use std::io::{self, BufRead, BufReader, Error, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, kill_process_group, setsid, test_kill_process_group};
use sandbox::Limits;
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGHUP, SIGINT, SIGKILL, SIGTERM};
use signal_hook::iterator::Signals;
use wait4::Wait4;

use super::cgroup::{Groups, n_kills_of_machine};
use super::client;

/// Before what a stage wrote.
pub const SAID: u8 = b'|';

/// Before a [`Report`].
pub const ENDED: u8 = b'=';

/// The file in a work folder that is locked while a stage runs there, by the stage itself: it inherits the descriptor.
pub const STAGE_LOCK: &str = "lock";

/// How long a stage may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// The control groups of this process, and so of its stages.
static GROUPS: OnceLock<Groups> = OnceLock::new();

/// How long killed processes may take to be gone.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// What to start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spec {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub folder: PathBuf,
    /// Variables added to the environment.
    pub environment: Vec<(String, String)>,
    /// What it may reach; everything if not given.
    pub limits: Option<Limits>,
    /// How long it may run.
    pub timeout: Option<Duration>,
    /// Where standard error goes.
    pub log: PathBuf,
    /// Held while the stage runs, so that two never work in the same folder.
    pub lock: PathBuf,
}

/// What came of a `Spec`.
#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    Ended(Ending),
    /// Nothing was started, for this reason.
    Failed(String),
}

/// How a stage ended.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ending {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    /// The time that it was stopped after.
    pub timeout: Option<Duration>,
    pub usage: Usage,
    /// Whether the kernel killed a process for lack of memory meanwhile.
    #[serde(default)]
    pub memory: Option<MemoryKill>,
}

/// What a run took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Seconds by the clock.
    pub wall_s: f64,
    /// Seconds of the processors, in user and system mode, of all its processes.
    pub cpu_s: f64,
    /// The largest resident memory of one of its processes.
    pub peak_bytes: u64,
}

/// The kernel killed a process for lack of memory.
#[derive(Debug, Serialize, Deserialize)]
pub struct MemoryKill {
    /// The memory that was allowed, in bytes, where a limit was set.
    pub limit_bytes: Option<u64>,
}

impl Ending {
    /// Whether it was killed by SIGKILL itself, or ended as a shell does whose command was.
    fn is_killed(&self) -> bool {
        self.signal == Some(SIGKILL) || self.code == Some(128 + SIGKILL)
    }

    /// Whether it was killed for lack of memory.
    pub fn is_out_of_memory(&self) -> bool {
        self.memory.is_some() && self.is_killed() && self.timeout.is_none()
    }

    pub fn is_success(&self) -> bool {
        self.code == Some(0) && self.timeout.is_none()
    }
}

/// The hidden subcommand: runs the stages that standard input describes, until that ends.
///
/// # Errors
/// A line isn't a description.
pub fn supervise() -> io::Result<()> {
    // The leader of a process group has none to leave.
    let _ = setsid();
    let stage = Stage::default();
    let specs = listen(&stage);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let asked = stage.clone();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            asked.end();
        }
    });
    for spec in specs {
        let spec: Spec = serde_json::from_slice(&spec)?;
        let report = match run(&spec, &stage) {
            Ok(Some(ending)) => Report::Ended(ending),
            // Whoever comes next may be at work in its folder already.
            Ok(None) => return Ok(()),
            Err(error) => Report::Failed(error.to_string()),
        };
        let report = serde_json::to_vec(&report)?;
        let report = [&[ENDED], report.as_slice(), b"\n"].concat();
        if io::stdout().write_all(&report).is_err() {
            // The runner is gone, and nobody is there to be told.
            return Ok(());
        }
    }
    Ok(())
}

/// The lines of standard input. When it ends the runner is gone, and so is the stage then.
fn listen(stage: &Stage) -> Receiver<Vec<u8>> {
    let stage = stage.clone();
    client::read_lines(io::stdin(), move || stage.signal(Signal::KILL))
}

/// The process group of the stage that is running, if one is.
#[derive(Clone, Default)]
struct Stage(Arc<Mutex<Option<Pid>>>);

impl Stage {
    fn group(&self) -> MutexGuard<'_, Option<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = *self.group() {
            stop(group, signal);
        }
    }

    /// Kills what a stage that has ended left of its group, and waits for the end of that.
    fn end_rest(&self) {
        let start = Instant::now();
        if let Some(group) = self.group().take() {
            stop(group, Signal::KILL);
            while test_kill_process_group(group).is_ok() && start.elapsed() < LAST_MOMENT {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Asks the group to end, and sees to it after a while.
    fn end(&self) {
        let Some(group) = *self.group() else { return };
        stop(group, Signal::TERM);
        std::thread::sleep(GRACE);
        // By now the number may be another's.
        if *self.group() == Some(group) {
            stop(group, Signal::KILL);
        }
    }
}

/// Signals the group; one that is gone needs no signal.
fn stop(group: Pid, signal: Signal) {
    let _ = kill_process_group(group, signal);
}

/// Runs a stage to its end; none if the runner is gone.
fn run(spec: &Spec, stage: &Stage) -> io::Result<Option<Ending>> {
    // A stage whose runner was killed may need a moment to end.
    let lock = fs_err::File::create(&spec.lock)?;
    lock.file().lock()?;
    fcntl_setfd(lock.file(), FdFlags::empty())?;
    let groups = GROUPS.get_or_init(Groups::own);
    let kills_before = (groups.n_kills(), n_kills_of_machine());
    let start = Instant::now();
    let mut child = {
        // Who hears of the runner's end meanwhile waits to learn what there is to stop.
        let mut group = stage.group();
        if is_orphan()? {
            return Ok(None);
        }
        let child = spawn(spec).map_err(|error| {
            let program = spec.program.display();
            Error::other(format!("cannot start `{program}`: {error}"))
        })?;
        *group = Some(Pid::from_child(&child));
        child
    };
    let outlet = child.stdout.take().map(Outlet::open);
    let clock = spec.timeout.map(|timeout| Clock::start(timeout, stage));
    let ended = child.wait4()?;
    stage.end_rest();
    // What left the group may go on, as a server does, but holds nothing up.
    lock.file().unlock()?;
    let is_late = clock.is_some_and(|clock| clock.is_late());
    if let Some(outlet) = outlet {
        outlet.close();
    }
    let mut ending = Ending {
        memory: None,
        code: ended.status.code(),
        signal: ExitStatus::signal(&ended.status),
        timeout: spec.timeout.filter(|_| is_late),
        usage: Usage {
            wall_s: start.elapsed().as_secs_f64(),
            cpu_s: (ended.rusage.utime + ended.rusage.stime).as_secs_f64(),
            peak_bytes: ended.rusage.maxrss,
        },
    };
    let was_short = match kills_before {
        (Some(before), _) => groups.n_kills() > Some(before),
        // Of the machine's kills only one that explains the status can be this stage's.
        (None, before) => ending.is_killed() && n_kills_of_machine() > before,
    };
    ending.memory = (!ending.is_success() && was_short).then(|| MemoryKill {
        limit_bytes: groups.memory_limit(),
    });
    Ok(Some(ending))
}

/// Whether the runner is gone. It says nothing while a stage runs: there is something to read when the pipe's other end is
/// closed.
fn is_orphan() -> io::Result<bool> {
    let stdin = io::stdin();
    let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
    let at_once = Timespec::default();
    let n_ready = poll(&mut polled, Some(&at_once))?;
    Ok(n_ready > 0)
}

fn spawn(spec: &Spec) -> io::Result<Child> {
    let mut command = command(spec)?;
    match &spec.limits {
        Some(limits) => sandbox::spawn(&mut command, limits).map(|(child, _)| child),
        None => command.spawn(),
    }
}

fn command(spec: &Spec) -> io::Result<Command> {
    let log = fs_err::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&spec.log)?;
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.arguments)
        .current_dir(&spec.folder)
        .process_group(0);
    command.envs(spec.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(log.into_parts().0);
    Ok(command)
}

/// Ends a stage after its time.
struct Clock {
    is_late: Arc<AtomicBool>,
    /// Dropped with the clock, which stops it.
    _running: Sender<()>,
}

impl Clock {
    fn start(timeout: Duration, stage: &Stage) -> Self {
        let (running, stopped) = channel();
        let is_late = Arc::new(AtomicBool::new(false));
        let (late, stage) = (Arc::clone(&is_late), stage.clone());
        std::thread::spawn(move || {
            if stopped.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
                late.store(true, Ordering::Relaxed);
                stage.end();
            }
        });
        Clock {
            is_late,
            _running: running,
        }
    }

    /// Whether the time is over.
    fn is_late(&self) -> bool {
        self.is_late.load(Ordering::Relaxed)
    }
}

/// Passes on what a stage writes to its standard output.
struct Outlet {
    is_open: Arc<Mutex<bool>>,
    done: Receiver<()>,
}

impl Outlet {
    fn open(from: impl Read + Send + 'static) -> Self {
        let is_open = Arc::new(Mutex::new(true));
        let (sender, done) = channel::<()>();
        let still_open = Arc::clone(&is_open);
        std::thread::spawn(move || {
            // Dropped at the end, which tells of it.
            let _sender = sender;
            let mut from = BufReader::new(from);
            let mut line = vec![SAID];
            while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                if line.last() != Some(&b'\n') {
                    line.push(b'\n');
                }
                let is_open = still_open.lock().unwrap_or_else(PoisonError::into_inner);
                if !*is_open || io::stdout().write_all(&line).is_err() {
                    break;
                }
                line.truncate(1);
            }
        });
        Outlet { is_open, done }
    }

    /// Waits for the last words of a stage that has ended.
    fn close(self) {
        let _ = self.done.recv_timeout(client::LAST_WORDS);
        *{ self.is_open.lock() }.unwrap_or_else(PoisonError::into_inner) = false;
    }
}
