//! From the job file to the exit code.

use std::{
    fs::TryLockError,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use protocol::{Fault, Job, Part};
use rayon::ThreadPoolBuilder;
use serde::de::DeserializeOwned;

use crate::{logging, request::Request};

static SCRATCH: OnceLock<PathBuf> = OnceLock::new();

/// The scratch folder, locked.
static HELD: Mutex<Option<fs_err::File>> = Mutex::new(None);

/// Stack of each of rayon's threads, that of a main thread.
const STACK_BYTES: usize = 8 << 20;

/// Maximum time until a killed process releases its folder.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs a stage: reads the job file, calls `run` on one of rayon's threads, and turns an error into a message on the log
/// and exit code 1.
///
/// With `--check` before the job file, it only checks that the stage has the parameters, inputs and outputs of the job:
/// exit code 0, or 1 with a [`Fault`] as JSON on standard output.
pub fn main<P, I, O>(run: impl FnOnce(P, I, O) -> anyhow::Result<()> + Send) -> ExitCode
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

fn carry_out<P, I, O>(
    run: impl FnOnce(P, I, O) -> anyhow::Result<()> + Send,
) -> anyhow::Result<ExitCode>
where
    P: DeserializeOwned,
    I: DeserializeOwned,
    O: DeserializeOwned,
{
    let request = Request::from_args(std::env::args())?;
    if request.is_check {
        return check::<P, I, O>(&request.job);
    }
    SCRATCH.get_or_init(|| request.job.scratch.clone());
    on_pool(|| {
        let (params, inputs, outputs) = parts(&request.job)?;
        run(params, inputs, outputs)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the fault of a job that doesn't fit the stage.
fn check<P, I, O>(job: &Job) -> anyhow::Result<ExitCode>
where
    P: DeserializeOwned,
    I: DeserializeOwned,
    O: DeserializeOwned,
{
    match parts::<P, I, O>(job) {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(fault) => {
            println!("{}", serde_json::to_string(&fault)?);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Calls `work` on a thread of rayon's, which begin here with the stack of a main thread.
///
/// Another thread would sleep during each parallel loop and be woken after it: for the short loops of a training step
/// on small images, that costs more than a tenth of the step.
///
/// # Errors
/// Those of `work`, or rayon's threads have begun before or cannot.
pub fn on_pool<R: Send>(work: impl FnOnce() -> anyhow::Result<R> + Send) -> anyhow::Result<R> {
    ThreadPoolBuilder::new()
        .stack_size(STACK_BYTES)
        .build_global()
        .context("cannot start the threads")?;
    rayon::scope(|_| work())
}

fn parts<P, I, O>(job: &Job) -> Result<(P, I, O), Fault>
where
    P: DeserializeOwned,
    I: DeserializeOwned,
    O: DeserializeOwned,
{
    Ok((
        job.read(Part::Parameter)?,
        job.read(Part::Input)?,
        job.read(Part::Output)?,
    ))
}

/// The folder that outlives a killed run of the same job: its contents come from a run with the same inputs, parameters
/// and code. Created at the first call, and locked until the process ends.
///
/// # Errors
/// The folder cannot be created, another process uses it, or the caller isn't a stage.
pub fn scratch() -> anyhow::Result<&'static Path> {
    let path = SCRATCH.get().context("only a stage has a scratch folder")?;
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if held.is_none() {
        fs_err::create_dir_all(path)?;
        *held = Some(hold(path, PATIENCE)?);
    }
    Ok(path)
}

/// Locks the folder `path`, waiting as long as `patience` for another process.
fn hold(path: &Path, patience: Duration) -> anyhow::Result<fs_err::File> {
    let folder = fs_err::File::open(path)?;
    let start = Instant::now();
    loop {
        match folder.file().try_lock() {
            Ok(()) => return Ok(folder),
            Err(TryLockError::WouldBlock) if start.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(TryLockError::WouldBlock) => bail!(
                "another process works in `{}`: one job runs once at a time",
                path.display()
            ),
            // A file system without locks gives no information.
            Err(TryLockError::Error(_)) => return Ok(folder),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_on_a_thread_of_the_pool() {
        let index = on_pool(|| Ok(rayon::current_thread_index())).unwrap();
        assert!(index.is_some());
    }

    #[test]
    fn a_scratch_folder_has_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = hold(folder.path(), Duration::ZERO).unwrap();
        let refused = hold(folder.path(), Duration::from_millis(1)).unwrap_err();
        assert!(
            refused.to_string().contains("one job runs once at a time"),
            "{refused}"
        );
        drop(first);
        hold(folder.path(), Duration::ZERO).unwrap();
    }
}
