//! Starting a stage and listening to it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::error::{Error, Result};
use crate::events::Progress;
use crate::supervise::{Ending, Spec};

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(50);

/// How long the last lines of a process that has ended may take to arrive on a machine that has much to do.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Notes SIGINT and SIGTERM, so that a run can end in good order.
#[derive(Debug, Clone)]
pub struct Interrupts(Arc<AtomicUsize>);

impl Interrupts {
    /// From here on the signals no longer end this process by themselves.
    ///
    /// # Errors
    /// The system refuses.
    pub fn catch() -> Result<Self> {
        let caught = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM] {
            let value = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&caught), value)?;
        }
        Ok(Interrupts(caught))
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// A signal came.
    pub fn check(&self) -> Result<()> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Error::Interrupted(i32::try_from(signal).unwrap_or(SIGTERM))),
        }
    }
}

/// A line of a stage's standard output that is meant for the runner.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Message {
    Progress(Progress),
    Warn(String),
}

/// Runs the stage that `spec` describes, passing on what it says.
///
/// # Errors
/// The supervisor cannot be started or dies, or a signal asks to stop.
pub(crate) fn run(
    stage: &str,
    spec_path: &Path,
    spec: &Spec,
    interrupts: &Interrupts,
    mut hear: impl FnMut(Message),
) -> Result<Ending> {
    let text = serde_json::to_vec_pretty(spec).map_err(std::io::Error::from)?;
    fs_err::write(spec_path, text)?;
    let mut supervisor = Command::new(own_program()?)
        .arg("__supervise")
        .arg(spec_path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut log = fs_err::OpenOptions::new().append(true).open(&spec.log)?;
    listen(&mut supervisor, interrupts, |line| {
        heed(&line, &mut log, &mut hear)
    })?;
    let status = supervisor.wait()?;
    interrupts.check()?;
    let ending = fs_err::read(&spec.ending).ok();
    let ending = ending.and_then(|text| serde_json::from_slice(&text).ok());
    ending.ok_or_else(|| {
        Error::Invalid(format!(
            "cannot tell how `{stage}` ended: its supervisor ended with {status}"
        ))
    })
}

/// This very program, even if its file was replaced since it started.
fn own_program() -> Result<PathBuf> {
    let own = Path::new("/proc/self/exe");
    if own.exists() {
        Ok(own.to_owned())
    } else {
        Ok(std::env::current_exe()?)
    }
}

/// Passes on the lines of the child's standard output until it ends; after a
/// signal to this process the child is asked to end.
pub(crate) fn listen(
    child: &mut Child,
    interrupts: &Interrupts,
    mut heed: impl FnMut(Vec<u8>) -> Result<()>,
) -> Result<()> {
    let lines = read_lines(child);
    let mut was_asked_to_stop = false;
    let mut ended: Option<Instant> = None;
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => heed(line)?,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            // A process that the child left behind may hold the pipe open for ever.
            Err(RecvTimeoutError::Timeout) => match ended {
                Some(ended) if ended.elapsed() > LAST_WORDS => return Ok(()),
                Some(_) => {}
                None => ended = child.try_wait()?.map(|_| Instant::now()),
            },
        }
        if interrupts.check().is_err() && !was_asked_to_stop {
            was_asked_to_stop = true;
            // One that has just ended needs no signal.
            let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM);
        }
    }
}

/// Lines of the child's standard output, read by a thread.
fn read_lines(child: &mut Child) -> Receiver<Vec<u8>> {
    let (sender, lines) = channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            loop {
                let mut line = Vec::new();
                match stdout.read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => break,
                    Ok(_) if sender.send(line).is_err() => break,
                    Ok(_) => {}
                }
            }
        });
    }
    lines
}

pub(crate) fn heed(
    line: &[u8],
    log: &mut impl Write,
    hear: &mut impl FnMut(Message),
) -> Result<()> {
    let message = if line.starts_with(b"{") {
        serde_json::from_slice(line).ok()
    } else {
        None
    };
    match message {
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
