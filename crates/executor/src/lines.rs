//! Standard output of other processes, line by line.

use std::io::{self, BufRead, BufReader, Read};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::interrupts::Interrupts;

/// Interval between two looks at signals.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// Time for the last lines of a process that has ended to arrive on a busy machine. A process that it left behind may
/// hold its output open for ever.
pub(crate) const LAST_LINES: Duration = Duration::from_secs(2);

/// Passes on lines of the child's standard output until it ends. A signal to this process is passed on to the child.
///
/// # Errors
/// The state of the child cannot be read.
pub fn follow(
    child: &mut Child,
    interrupts: &Interrupts,
    mut on_line: impl FnMut(Vec<u8>),
) -> io::Result<()> {
    let lines = of_child(child);
    let mut was_asked_to_end = false;
    let mut ended: Option<Instant> = None;
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => on_line(line),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => match ended {
                Some(ended) if ended.elapsed() > LAST_LINES => return Ok(()),
                Some(_) => {}
                None => ended = child.try_wait()?.map(|_| Instant::now()),
            },
        }
        if interrupts.check().is_err() && !was_asked_to_end {
            was_asked_to_end = true;
            ask_to_end(child);
        }
    }
}

/// Sends SIGTERM; a process that has just ended needs no signal.
pub(crate) fn ask_to_end(process: &Child) {
    let _ = kill_process(Pid::from_child(process), Signal::TERM);
}

/// Lines of the child's standard output.
pub(crate) fn of_child(child: &mut Child) -> Receiver<Vec<u8>> {
    match child.stdout.take() {
        Some(stdout) => read(stdout, || {}),
        None => channel().1,
    }
}

/// Lines of `from`, read by a thread that calls `at_end` after the last one.
pub(crate) fn read(
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
