//! The command line of a stage.

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
        let mut arguments: Vec<String> = args.collect();
        let is_check = arguments.len() == 3 && arguments[1] == "--check";
        if is_check {
            arguments.remove(1);
        }
        let job = Job::of_arguments(&arguments)?;
        Ok(Self { is_check, job })
    }
}
