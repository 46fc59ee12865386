//! The command line of a stage.

use std::path::Path;

use anyhow::{Context, bail};
use protocol::Job;

/// Request of the command line.
pub(crate) struct Request {
    /// Check of names and types alone.
    pub(crate) is_check: bool,
    /// The job.
    pub(crate) job: Job,
}

impl Request {
    /// Reads the job file that the last argument names.
    pub(crate) fn from_args(args: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let arguments: Vec<String> = args.collect();
        let (is_check, path) = match arguments.as_slice() {
            [_, flag, path] if flag == "--check" => (true, path),
            [_, path] => (false, path),
            _ => {
                let program = arguments.first().map_or("stage", String::as_str);
                bail!("expected one argument, the job file: `{program} JOB.json`");
            }
        };
        let job = read(Path::new(path))?;
        Ok(Self { is_check, job })
    }
}

fn read(path: &Path) -> anyhow::Result<Job> {
    let text = fs_err::read_to_string(path)?;
    serde_json::from_str(&text)
        .with_context(|| format!("cannot read `{}` as a job file", path.display()))
}
