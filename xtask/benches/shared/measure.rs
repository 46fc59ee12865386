//! Resources of a program. A process of its own runs it, so that the system's accounts are those of the program.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};

/// The first argument of a process that is to measure another.
const MEASURE: &str = "--measure";

/// Resources of a program and of all processes that it started.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
    /// The most memory that one process had at once.
    pub(crate) peak_mb: f64,
    /// Bytes written to files, by the system's account.
    pub(crate) written_mb: f64,
}

impl Measurement {
    /// Measures `program` in `folder`.
    pub(crate) fn of(folder: &Path, program: &[String]) -> anyhow::Result<Self> {
        let output = Command::new(std::env::current_exe()?)
            .arg(MEASURE)
            .args(program)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` failed: {errors}", program.join(" "));
        }
        let text = String::from_utf8(output.stdout)?;
        let last = text.lines().last().context("nothing was measured")?;
        Ok(serde_json::from_str(last)?)
    }
}

/// A program to measure.
pub(crate) struct Request {
    program: String,
    arguments: Vec<String>,
}

/// The program to measure, if this process was started for that.
pub(crate) fn request() -> anyhow::Result<Option<Request>> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some(MEASURE) {
        return Ok(None);
    }
    Ok(Some(Request {
        program: arguments.next().context("no program to measure")?,
        arguments: arguments.collect(),
    }))
}

impl Request {
    /// Runs the program and prints its resources.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let start = Instant::now();
        let status = Command::new(&self.program)
            .args(&self.arguments)
            .stdout(Stdio::null())
            .status()?;
        let wall_s = start.elapsed().as_secs_f64();
        if !status.success() {
            bail!("{status}");
        }
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let cpu = usage.user_time() + usage.system_time();
        let measured = Measurement {
            wall_s,
            cpu_s: cpu.num_microseconds() as f64 / 1e6,
            // In kilobytes and blocks of 512 bytes.
            peak_mb: usage.max_rss() as f64 / 1024.0,
            written_mb: usage.block_writes() as f64 / 2048.0,
        };
        println!("{}", serde_json::to_string(&measured)?);
        Ok(())
    }
}
