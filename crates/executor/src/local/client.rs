//! Starting a stage and listening to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::Message;
use rustix::process::{Pid, Signal, kill_process};

use super::reclaim;
use super::supervisor::{ENDED, Ending, Report, SAID, Spec};
use crate::error::ExecutorError;
use crate::interrupts::Interrupts;

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(50);

/// How long the last lines of a process that has ended may take to arrive on a machine that has much to do. A process that
/// it left behind may hold its output open for ever.
pub const LAST_WORDS: Duration = Duration::from_secs(2);

/// Supervisors that have no stage at the moment: to start one takes longer than many a stage.
#[derive(Clone, Default)]
pub struct Supervisors(Arc<Mutex<Vec<Supervisor>>>);

impl Supervisors {
    /// Runs the stage that `spec` describes, passing on what it says.
    ///
    /// # Errors
    /// No supervisor can be started, it dies, it cannot start the stage, or a signal asks to stop.
    pub fn run(
        &self,
        stage: &str,
        spec: &Spec,
        interrupts: &Interrupts,
        hear: impl FnMut(Message),
    ) -> Result<Ending, ExecutorError> {
        let idle = self.idle().pop();
        let mut supervisor = idle.map_or_else(Supervisor::start, Ok)?;
        let report = supervisor.run(stage, spec, interrupts, hear)?;
        self.idle().push(supervisor);
        interrupts.check()?;
        match report {
            Report::Ended(ending) => Ok(ending),
            Report::Failed(why) => Err(ExecutorError::Task(format!("cannot run `{stage}`: {why}"))),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Supervisor>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A process of [`supervise`].
struct Supervisor {
    process: Child,
    /// As long as it is open, the supervisor lives.
    stdin: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
}

impl Supervisor {
    fn start() -> Result<Self, ExecutorError> {
        let mut process = Command::new(own_program()?)
            .arg("__supervise")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Supervisor {
            stdin: process.stdin.take(),
            lines: lines_of(&mut process),
            process,
        })
    }

    fn run(
        &mut self,
        stage: &str,
        spec: &Spec,
        interrupts: &Interrupts,
        mut hear: impl FnMut(Message),
    ) -> Result<Report, ExecutorError> {
        let mut log = fs_err::OpenOptions::new().append(true).open(&spec.log)?;
        let mut line = serde_json::to_vec(spec).map_err(std::io::Error::from)?;
        line.push(b'\n');
        if let Some(stdin) = &mut self.stdin {
            // One that has died is found out below.
            let _ = stdin.write_all(&line);
        }
        let mut was_asked_to_stop = false;
        loop {
            match self.lines.recv_timeout(TICK) {
                Ok(line) => match line.split_first() {
                    Some((&SAID, line)) => heed(line, &mut log, &mut hear)?,
                    Some((&ENDED, report)) => {
                        return Ok(serde_json::from_slice(report).map_err(std::io::Error::from)?);
                    }
                    _ => {}
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.process.wait()?;
                    let work = spec.lock.parent().unwrap_or(Path::new("."));
                    reclaim::end(work, Duration::ZERO, interrupts, |reclaimed| {
                        hear(Message::Warn(reclaimed.text(work)));
                    })?;
                    interrupts.check()?;
                    return Err(ExecutorError::Task(format!(
                        "cannot tell how `{stage}` ended: its supervisor ended with {status}"
                    )));
                }
            }
            if interrupts.check().is_err() && !was_asked_to_stop {
                was_asked_to_stop = true;
                ask_to_end(&self.process);
            }
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It ends by itself now, with the stage that it may have.
        let _ = self.process.wait();
    }
}

/// One that has just ended needs no signal.
fn ask_to_end(process: &Child) {
    let _ = kill_process(Pid::from_child(process), Signal::TERM);
}

/// This very program, even if its file was replaced since it started.
fn own_program() -> Result<PathBuf, ExecutorError> {
    let own = Path::new("/proc/self/exe");
    if own.exists() {
        Ok(own.to_owned())
    } else {
        Ok(std::env::current_exe()?)
    }
}

/// Passes on the lines of the child's standard output until it ends; after a
/// signal to this process the child is asked to end.
pub fn listen(
    child: &mut Child,
    interrupts: &Interrupts,
    mut heed: impl FnMut(Vec<u8>),
) -> Result<(), ExecutorError> {
    let lines = lines_of(child);
    let mut was_asked_to_stop = false;
    let mut ended: Option<Instant> = None;
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => heed(line),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => match ended {
                Some(ended) if ended.elapsed() > LAST_WORDS => return Ok(()),
                Some(_) => {}
                None => ended = child.try_wait()?.map(|_| Instant::now()),
            },
        }
        if interrupts.check().is_err() && !was_asked_to_stop {
            was_asked_to_stop = true;
            ask_to_end(child);
        }
    }
}

/// Lines of the child's standard output.
fn lines_of(child: &mut Child) -> Receiver<Vec<u8>> {
    match child.stdout.take() {
        Some(stdout) => read_lines(stdout, || {}),
        None => channel().1,
    }
}

/// Lines of `from`, read by a thread that does what is to be done `at_end`.
pub fn read_lines(
    from: impl Read + Send + 'static,
    at_end: impl FnOnce() + Send + 'static,
) -> Receiver<Vec<u8>> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        loop {
            let mut line = Vec::new();
            match from.read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) if sender.send(line).is_err() => break,
                Ok(_) => {}
            }
        }
        at_end();
    });
    lines
}

pub fn heed(
    line: &[u8],
    log: &mut impl Write,
    hear: &mut impl FnMut(Message),
) -> Result<(), ExecutorError> {
    match Message::of_line(line) {
        Some(message) => {
            if let Message::Warn(text) = &message {
                writeln!(log, "warning: {text}")?;
            }
            hear(message);
        }
        None => log.write_all(line)?,
    }
    Ok(())
}
