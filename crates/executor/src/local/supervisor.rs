//! The process between the runner and its tasks.
//!
//! It starts one task after another, each in a process group of its own, and sees to it that nothing of a group
//! outlives the task or the runner, however the runner ends: its standard input is a pipe that the runner holds open
//! and that the kernel closes even after `kill -9`. It has a session of its own, so that a kill of the runner's process
//! group leaves it there to end the task; where it is killed, too, the task goes on to hold the lock of its work
//! folder.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Signal, setsid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use wait4::{ResUse, Wait4};

use super::cgroup::{Groups, n_kills_of_machine};
use super::group::{Clock, Group};
use super::message::{Reply, Request, to_line};
use super::reclaim::lock_of;
use crate::lines;
use crate::task::Task;
use crate::update::{Ending, MemoryKill, Usage};

/// The control groups of this process, and so of its tasks.
static GROUPS: OnceLock<Groups> = OnceLock::new();

/// Runs the tasks that standard input describes, until that ends: the main function of a supervisor.
///
/// # Errors
/// Standard input has another line than a supervisor is sent.
pub fn supervise() -> io::Result<()> {
    // The leader of a process group has none to leave.
    let _ = setsid();
    let group = Group::default();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let asked = group.clone();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            asked.end();
        }
    });
    serve(io::stdin(), io::stdout(), &group)
}

/// Runs the tasks that `runner` describes in the process group `group`. When `runner` ends it is gone, and so is the
/// task then.
fn serve(
    runner: impl Read + AsFd + Send + 'static,
    replies: impl Write + Send + 'static,
    group: &Group,
) -> io::Result<()> {
    let pipe = runner.as_fd().try_clone_to_owned()?;
    let running = group.clone();
    let requests = lines::read(runner, move || running.signal(Signal::KILL));
    let replies = Replies(Arc::new(Mutex::new(replies)));
    for request in requests {
        let Request::Run(task) = serde_json::from_slice(&request)?;
        let reply = match run(&task, group, &pipe, &replies) {
            Ok(Some(ending)) => Reply::Ended(ending),
            // Another task may use its folder already.
            Ok(None) => return Ok(()),
            Err(error) => Reply::NotStarted(error.to_string()),
        };
        if replies.send(&reply).is_err() {
            // The runner is gone.
            return Ok(());
        }
    }
    Ok(())
}

/// The way back to the runner.
struct Replies<W>(Arc<Mutex<W>>);

impl<W> Clone for Replies<W> {
    fn clone(&self) -> Self {
        Replies(Arc::clone(&self.0))
    }
}

impl<W: Write> Replies<W> {
    fn send(&self, reply: &Reply) -> io::Result<()> {
        let line = to_line(reply)?;
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        to.write_all(&line)?;
        to.flush()
    }
}

/// Runs a task to its end; none if the runner is gone.
fn run<W: Write + Send + 'static>(
    task: &Task,
    group: &Group,
    runner: &OwnedFd,
    replies: &Replies<W>,
) -> io::Result<Option<Ending>> {
    // A task whose runner was killed may need a moment to end.
    let lock = fs_err::File::create(lock_of(&task.work))?;
    lock.file().lock()?;
    fcntl_setfd(lock.file(), FdFlags::empty())?;
    let kills = Kills::count();
    let start = Instant::now();
    let Some(mut child) = group.start(|| {
        // A runner that ends meanwhile ends the task once it has started.
        if is_gone(runner)? {
            return Ok(None);
        }
        spawn(task).map(Some).map_err(|error| {
            let program = task.program.display();
            io::Error::other(format!("cannot start `{program}`: {error}"))
        })
    })?
    else {
        return Ok(None);
    };
    let outlet = { child.stdout.take() }.map(|stdout| Outlet::open(stdout, replies.clone()));
    let clock = task.timeout.map(|timeout| Clock::start(timeout, group));
    let ended = child.wait4()?;
    group.end_rest();
    // A process that left the group may go on, as a server does, but blocks nothing.
    lock.file().unlock()?;
    let is_late = clock.is_some_and(|clock| clock.is_late());
    if let Some(outlet) = outlet {
        outlet.close();
    }
    let ending = Ending {
        timeout: task.timeout.filter(|_| is_late),
        ..ending(&ended, start)
    };
    let memory = kills.memory(&ending);
    Ok(Some(Ending { memory, ..ending }))
}

/// End of a process that was started at `start`.
fn ending(ended: &ResUse, start: Instant) -> Ending {
    Ending {
        code: ended.status.code(),
        signal: ended.status.signal(),
        usage: Some(Usage {
            wall_s: start.elapsed().as_secs_f64(),
            cpu_s: (ended.rusage.utime + ended.rusage.stime).as_secs_f64(),
            peak_bytes: ended.rusage.maxrss,
        }),
        ..Ending::default()
    }
}

/// Returns whether the runner is gone. It sends nothing while a task runs: there is something to read when the pipe's
/// other end is closed.
fn is_gone(runner: &OwnedFd) -> io::Result<bool> {
    let mut polled = [PollFd::new(runner, PollFlags::IN)];
    let at_once = Timespec::default();
    Ok(poll(&mut polled, Some(&at_once))? > 0)
}

fn spawn(task: &Task) -> io::Result<Child> {
    let mut command = command(task)?;
    match &task.limits {
        Some(limits) => sandbox::spawn(&mut command, limits).map(|(child, _)| child),
        None => command.spawn(),
    }
}

fn command(task: &Task) -> io::Result<Command> {
    let log = fs_err::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&task.log)?;
    let mut command = Command::new(&task.program);
    command
        .args(&task.arguments)
        .current_dir(&task.folder)
        .process_group(0);
    command.envs(task.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(log.into_parts().0);
    Ok(command)
}

/// Number of processes that the kernel had killed for lack of memory before a task.
struct Kills {
    of_groups: Option<u64>,
    of_machine: Option<u64>,
}

impl Kills {
    fn count() -> Self {
        Kills {
            of_groups: GROUPS.get_or_init(Groups::own).n_kills(),
            of_machine: n_kills_of_machine(),
        }
    }

    /// The kill since then, if the task ended badly.
    fn memory(&self, ending: &Ending) -> Option<MemoryKill> {
        let groups = GROUPS.get_or_init(Groups::own);
        let was_short = match self.of_groups {
            Some(before) => groups.n_kills() > Some(before),
            // Of the machine's kills only one that explains the status can be this task's.
            None => ending.is_killed() && n_kills_of_machine() > self.of_machine,
        };
        (!ending.is_success() && was_short).then(|| MemoryKill {
            limit_bytes: groups.memory_limit(),
        })
    }
}

/// Passes on the standard output of a task.
struct Outlet {
    is_open: Arc<Mutex<bool>>,
    done: Receiver<()>,
}

impl Outlet {
    fn open<W: Write + Send + 'static>(
        from: impl Read + Send + 'static,
        replies: Replies<W>,
    ) -> Self {
        let is_open = Arc::new(Mutex::new(true));
        let (sender, done) = channel::<()>();
        let still_open = Arc::clone(&is_open);
        std::thread::spawn(move || {
            // Its drop at the end is the message.
            let _sender = sender;
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                if line.last() != Some(&b'\n') {
                    line.push(b'\n');
                }
                let is_open = still_open.lock().unwrap_or_else(PoisonError::into_inner);
                let reply = Reply::Output(std::mem::take(&mut line).into());
                if !*is_open || replies.send(&reply).is_err() {
                    break;
                }
            }
        });
        Outlet { is_open, done }
    }

    /// Waits for the last lines of a task that has ended.
    fn close(self) {
        let _ = self.done.recv_timeout(lines::LAST_LINES);
        *{ self.is_open.lock() }.unwrap_or_else(PoisonError::into_inner) = false;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, PipeWriter, pipe};
    use std::path::Path;
    use std::thread::JoinHandle;
    use std::time::Duration;

    use super::*;
    use crate::resources::Resources;
    use crate::task::TaskId;

    /// A supervisor in a thread.
    struct Served {
        runner: PipeWriter,
        replies: BufReader<PipeReader>,
        group: Group,
        thread: JoinHandle<io::Result<()>>,
    }

    impl Served {
        fn new() -> Self {
            let (requests, runner) = pipe().unwrap();
            let (replies, to) = pipe().unwrap();
            let group = Group::default();
            let served = group.clone();
            Served {
                runner,
                replies: BufReader::new(replies),
                group,
                thread: std::thread::spawn(move || serve(requests, to, &served)),
            }
        }

        fn send(&mut self, task: Task) {
            let line = to_line(&Request::Run(task)).unwrap();
            self.runner.write_all(&line).unwrap();
        }

        fn reply(&mut self) -> Reply {
            let mut line = String::new();
            self.replies.read_line(&mut line).unwrap();
            serde_json::from_str(&line).unwrap()
        }

        fn ending(&mut self) -> Ending {
            match self.reply() {
                Reply::Ended(ending) => ending,
                other => panic!("{other:?}"),
            }
        }
    }

    fn task(work: &Path, script: &str) -> Task {
        Task {
            id: TaskId::new("a"),
            instance: "a".into(),
            resources: Resources::default(),
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            folder: work.to_owned(),
            environment: vec![("WORD".into(), "said".into())],
            limits: None,
            timeout: None,
            log: work.join("log"),
            work: work.to_owned(),
        }
    }

    #[test]
    fn output_comes_before_the_end_and_cannot_pass_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut served = Served::new();
        let script = r#"echo $WORD; printf '\377\n'; printf '{"Ended":{}}'; echo log >&2; exit 4"#;
        served.send(task(folder.path(), script));
        for expected in [&b"said\n"[..], b"\xff\n", b"{\"Ended\":{}}\n"] {
            let reply = served.reply();
            assert!(
                matches!(&reply, Reply::Output(line) if line.bytes() == expected),
                "{reply:?}"
            );
        }
        assert_eq!(served.ending().code, Some(4));
        let log = fs_err::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(log, "log\n");
        // The next one.
        served.send(task(folder.path(), "exit 0"));
        assert!(served.ending().is_success());
        drop(served.runner);
        served.thread.join().unwrap().unwrap();
    }

    #[test]
    fn a_task_is_stopped_after_its_timeout() {
        let folder = tempfile::tempdir().unwrap();
        let mut served = Served::new();
        let timeout = Some(Duration::from_millis(50));
        served.send(Task {
            timeout,
            ..task(folder.path(), "sleep 600")
        });
        let ending = served.ending();
        assert_eq!(ending.timeout, timeout);
        assert_eq!(ending.signal, Some(SIGTERM));
        assert!(!ending.is_success());
        // One that ends in time.
        served.send(Task {
            timeout: Some(Duration::from_secs(600)),
            ..task(folder.path(), "exit 0")
        });
        assert!(served.ending().is_success());
    }

    #[test]
    fn a_task_that_is_asked_to_end_ends() {
        let folder = tempfile::tempdir().unwrap();
        let mut served = Served::new();
        served.send(task(folder.path(), "echo started; sleep 600 & wait"));
        served.reply();
        let group = served.group.clone();
        std::thread::spawn(move || group.end());
        assert_eq!(served.ending().signal, Some(SIGTERM));
    }

    #[test]
    fn a_program_that_is_not_there_is_not_started() {
        let folder = tempfile::tempdir().unwrap();
        let mut served = Served::new();
        served.send(Task {
            program: "/nowhere/program".into(),
            ..task(folder.path(), "")
        });
        let reply = served.reply();
        assert!(
            matches!(&reply, Reply::NotStarted(why) if why.starts_with("cannot start `/nowhere/program`")),
            "{reply:?}"
        );
    }

    #[test]
    fn a_task_ends_with_its_runner() {
        let folder = tempfile::tempdir().unwrap();
        let mut served = Served::new();
        served.send(task(folder.path(), "echo started; sleep 600"));
        served.reply();
        drop(served.runner);
        assert!(matches!(served.replies.fill_buf(), Ok(line) if !line.is_empty()));
        served.thread.join().unwrap().unwrap();
    }

    #[test]
    fn nothing_is_started_for_a_runner_that_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let mut served = Served::new();
        // As long as another holds the lock, nothing is started.
        let lock = fs_err::File::create(lock_of(folder.path())).unwrap();
        lock.file().lock().unwrap();
        served.send(task(folder.path(), "echo > ran"));
        drop(served.runner);
        drop(lock);
        served.thread.join().unwrap().unwrap();
        assert!(!folder.path().join("ran").exists());
    }
}
