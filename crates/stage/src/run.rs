//! From the job file to the exit code.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::OnceLock,
};

use anyhow::Context;
use serde::de::DeserializeOwned;

use crate::{
    job::{Fault, Job, Request, part},
    logging,
};

static SCRATCH: OnceLock<PathBuf> = OnceLock::new();

/// Runs a stage: reads the job file, calls `run`, and turns an error into a message on the log and exit code 1.
///
/// With `--check` before the job file, it only says whether the stage knows the parameters, inputs and outputs that the
/// job names: exit code 0, or 1 with a JSON object on standard output that tells the one at fault.
pub fn main<P, I, O>(run: impl FnOnce(P, I, O) -> anyhow::Result<()>) -> ExitCode
where
    P: DeserializeOwned,
    I: DeserializeOwned,
    O: DeserializeOwned,
{
    logging::init();
    match carry_out(run) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out<P, I, O>(run: impl FnOnce(P, I, O) -> anyhow::Result<()>) -> anyhow::Result<ExitCode>
where
    P: DeserializeOwned,
    I: DeserializeOwned,
    O: DeserializeOwned,
{
    let request = Request::from_args(std::env::args())?;
    let (params, inputs, outputs) = match parts(&request.job) {
        Ok(parts) => parts,
        Err(fault) if request.is_check => {
            println!("{}", serde_json::to_string(&fault)?);
            return Ok(ExitCode::FAILURE);
        }
        Err(fault) => return Err(fault.into()),
    };
    if !request.is_check {
        SCRATCH.get_or_init(|| request.job.scratch);
        run(params, inputs, outputs)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn parts<P, I, O>(job: &Job) -> Result<(P, I, O), Fault>
where
    P: DeserializeOwned,
    I: DeserializeOwned,
    O: DeserializeOwned,
{
    Ok((
        part("parameter", &job.params)?,
        part("input", &job.inputs)?,
        part("output", &job.outputs)?,
    ))
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
