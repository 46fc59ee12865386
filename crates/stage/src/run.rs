//! From the job file to the exit code.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::OnceLock,
};

use anyhow::Context;
use serde::de::DeserializeOwned;

use crate::{
    job::{Job, part},
    logging,
};

static SCRATCH: OnceLock<PathBuf> = OnceLock::new();

/// Runs a stage: reads the job file, calls `run`, and turns an error into a message on the log and exit code 1.
pub fn main<P, I, O>(run: impl FnOnce(P, I, O) -> anyhow::Result<()>) -> ExitCode
where
    P: DeserializeOwned,
    I: DeserializeOwned,
    O: DeserializeOwned,
{
    logging::init();
    match Job::from_args(std::env::args()).and_then(|job| run_job(job, run)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_job<P, I, O>(job: Job, run: impl FnOnce(P, I, O) -> anyhow::Result<()>) -> anyhow::Result<()>
where
    P: DeserializeOwned,
    I: DeserializeOwned,
    O: DeserializeOwned,
{
    SCRATCH.get_or_init(|| job.scratch);
    run(
        part("parameter", job.params)?,
        part("input", job.inputs)?,
        part("output", job.outputs)?,
    )
}

/// The folder that outlives a killed run of the same job: what stands there was written by a run with the same inputs,
/// parameters and code. Created at the first call.
///
/// # Errors
/// The folder cannot be created, or the caller isn't a stage.
pub fn scratch() -> anyhow::Result<&'static Path> {
    let path = SCRATCH.get().context("only a stage has a scratch folder")?;
    fs_err::create_dir_all(path)?;
    Ok(path)
}
