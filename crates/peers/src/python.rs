//! Python's side: one process for all cases, so that imports aren't timed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::answer::Answer;

/// The script, beside the modules that it imports.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/peers.py");

/// Variables that set the threads of libraries, each to the same number.
const THREADS: [&str; 4] = [
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
];

/// A running `peers.py`.
pub(crate) struct Python {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Starts the interpreter `program`, whose libraries use `threads` threads.
    ///
    /// # Errors
    /// The interpreter cannot be started.
    pub(crate) fn start(program: &Path, threads: usize) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.arg(SCRIPT);
        for name in THREADS {
            command.env(name, threads.to_string());
        }
        // Threads that wait for work leave the cores to the other side.
        command.env("OMP_WAIT_POLICY", "PASSIVE");
        command.env("PYTHONWARNINGS", "ignore");
        // No compiled modules among the sources.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let mut child = { command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() }
            .with_context(|| {
                let program = program.display();
                format!("cannot start Python by `{program}`: `--python PATH` names another")
            })?;
        let requests = child.stdin.take().context("no standard input of Python")?;
        let answers = child
            .stdout
            .take()
            .context("no standard output of Python")?;
        Ok(Self {
            child,
            requests,
            answers: BufReader::new(answers),
        })
    }

    /// The answer to `request`.
    ///
    /// # Errors
    /// Python has ended, or answers otherwise.
    pub(crate) fn ask(&mut self, request: &Value) -> anyhow::Result<Answer> {
        let mut line = String::new();
        let sent = writeln!(self.requests, "{request}").and_then(|()| self.requests.flush());
        if sent.is_err() || self.answers.read_line(&mut line)? == 0 {
            bail!("Python's side ended; its message, if any, stands above");
        }
        Answer::parse(&line)
    }

    /// Ends the process.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        drop(self.requests);
        self.child.wait()?;
        Ok(())
    }
}
