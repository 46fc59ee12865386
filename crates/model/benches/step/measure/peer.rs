//! PyTorch's side: a process for each way to run it, so that a peak of memory belongs to one.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{Options, Outcome, Request, Seconds};

/// The ways to run PyTorch: as it comes, with channels last in memory, and compiled with channels last.
pub(crate) const WAYS: [&str; 3] = ["eager", "channels-last", "compiled"];

/// A process of PyTorch.
pub(crate) struct Peer {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Version of PyTorch.
    pub(crate) version: String,
}

impl Peer {
    pub(crate) fn start(python: &str, way: &str, options: &Options) -> Outcome<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/step/peer.py");
        let numbers = [options.threads, options.batch, options.side];
        let mut child = Command::new(python)
            .arg(script)
            .arg(way)
            .arg(options.depth.layers().to_string())
            .args(numbers.map(|n| n.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let requests = child.stdin.take().ok_or("no stdin")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let mut peer = Self {
            child,
            requests,
            answers,
            version: String::new(),
        };
        peer.version = peer.answer()?;
        Ok(peer)
    }

    fn answer(&mut self) -> Outcome<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("PyTorch's side ended".into());
        }
        Ok(line.trim().to_owned())
    }

    fn ask(&mut self, request: &str) -> Outcome<String> {
        writeln!(self.requests, "{request}")?;
        self.requests.flush()?;
        self.answer()
    }

    pub(crate) fn step(&mut self, request: Request) -> Outcome<Seconds> {
        let answer = self.ask(request.name())?;
        let (clock, cpu) = answer.split_once(' ').ok_or("two numbers are expected")?;
        Ok(Seconds {
            clock: clock.parse()?,
            cpu: cpu.parse()?,
        })
    }

    /// Ends the process.
    ///
    /// Returns the most memory that it ever had, in GB.
    pub(crate) fn stop(mut self) -> Outcome<f64> {
        let gigabytes = self.ask("memory")?.parse()?;
        drop(self.requests);
        self.child.wait()?;
        Ok(gigabytes)
    }
}
