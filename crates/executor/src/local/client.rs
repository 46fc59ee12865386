//! The runner's end of supervisors.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::Message;

use super::message::{Reply, Request, to_line};
use crate::lines;
use crate::task::Task;
use crate::update::{Ending, Update};

/// Interval between two signals to a supervisor that is to end its task: one may come before the task has started.
const REPEAT: Duration = Duration::from_secs(1);

/// Supervisors that have no task at the moment: to start one takes longer than many a task.
#[derive(Clone)]
pub(super) struct Supervisors {
    /// Those of this program with which it supervises.
    arguments: Arc<[String]>,
    idle: Arc<Mutex<Vec<Supervisor>>>,
}

impl Supervisors {
    pub(super) fn new(arguments: &[&str]) -> Self {
        Supervisors {
            arguments: arguments.iter().map(|&argument| argument.into()).collect(),
            idle: Arc::default(),
        }
    }

    /// An idle one, or a new one.
    pub(super) fn take(&self) -> io::Result<Supervisor> {
        let idle = self.idle().pop();
        idle.map_or_else(|| Supervisor::start(&self.arguments), Ok)
    }

    /// Keeps one whose task has ended.
    pub(super) fn put_back(&self, supervisor: Supervisor) {
        self.idle().push(supervisor);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Supervisor>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A process of [`supervise`](super::supervise).
pub(super) struct Supervisor {
    process: Child,
    /// As long as it is open, the supervisor lives.
    stdin: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
}

/// The last report of a supervisor on a task.
pub(super) enum Last {
    Ended(Ending),
    NotStarted(String),
    /// The supervisor itself ended.
    Died(ExitStatus),
}

impl Supervisor {
    fn start(arguments: &[String]) -> io::Result<Self> {
        let mut process = Command::new(own_program()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Supervisor {
            stdin: process.stdin.take(),
            lines: lines::of_child(&mut process),
            process,
        })
    }

    /// Runs a task to its end, or ends it once `is_killed`. Its messages are passed to `report`.
    ///
    /// # Errors
    /// The log cannot be written.
    pub(super) fn run(
        &mut self,
        task: Task,
        is_killed: &AtomicBool,
        report: &mut impl FnMut(Update),
    ) -> io::Result<Last> {
        let mut log = fs_err::OpenOptions::new().append(true).open(&task.log)?;
        let request = to_line(&Request::Run(task))?;
        if let Some(stdin) = &mut self.stdin {
            // One that has died is found out below.
            let _ = stdin.write_all(&request);
        }
        let mut asked: Option<Instant> = None;
        loop {
            match self.lines.recv_timeout(lines::TICK) {
                // Other lines are not a supervisor's.
                Ok(line) => match serde_json::from_slice(&line) {
                    Ok(Reply::Output(line)) => dispatch(line.bytes(), &mut log, report)?,
                    Ok(Reply::Ended(ending)) => return Ok(Last::Ended(ending)),
                    Ok(Reply::NotStarted(why)) => return Ok(Last::NotStarted(why)),
                    Err(_) => {}
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Last::Died(self.process.wait()?)),
            }
            let is_due = asked.is_none_or(|at| at.elapsed() >= REPEAT);
            if is_due && is_killed.load(Ordering::Relaxed) {
                asked = Some(Instant::now());
                lines::ask_to_end(&self.process);
            }
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It ends by itself now, with the task that it may have.
        let _ = self.process.wait();
    }
}

/// This very program, even if its file was replaced since it started.
fn own_program() -> io::Result<PathBuf> {
    let own = Path::new("/proc/self/exe");
    if own.exists() {
        Ok(own.to_owned())
    } else {
        std::env::current_exe()
    }
}

/// Passes a line of a task's output to where it belongs: messages to `report`, all else to the log.
pub(crate) fn dispatch(
    line: &[u8],
    log: &mut impl Write,
    report: &mut impl FnMut(Update),
) -> io::Result<()> {
    match Message::of_line(line) {
        Some(Message::Progress(progress)) => report(Update::Progress(progress)),
        Some(Message::Warn(text)) => {
            writeln!(log, "warning: {text}")?;
            report(Update::Warning(text));
        }
        None => log.write_all(line)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_reported_and_other_lines_are_logged() {
        let (mut log, mut reported) = (Vec::new(), Vec::new());
        for line in [
            "one\n",
            "{\"warn\":\"careful\"}\n",
            "{\"progress\":{\"task\":\"epochs\",\"done\":1}}\n",
            "{\"other\":1}\n",
        ] {
            dispatch(line.as_bytes(), &mut log, &mut |update| {
                reported.push(update);
            })
            .unwrap();
        }
        let log = String::from_utf8(log).unwrap();
        assert_eq!(log, "one\nwarning: careful\n{\"other\":1}\n");
        assert_eq!(reported[0], Update::Warning("careful".into()));
        assert!(matches!(&reported[1], Update::Progress(it) if it.task == "epochs"));
        assert_eq!(reported.len(), 2);
    }
}
