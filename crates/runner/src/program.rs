//! Programs of the workspace that are no stages: built and started like one, but nothing of them is recorded.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use executor::Interrupts;
use protocol::{Job, environment};
use sandbox::Limits;
use workflow::device::Device;

use crate::accelerator;
use crate::build::Build;
use crate::error::Result;
use crate::limits::{self, Sandbox};
use crate::workspace::Workspace;

/// Builds `run`, a text `crate/binary`, for `device` if it computes on one, and starts it with the job file `job`, held
/// to the paths in it. Its input and outputs are this process's own.
///
/// # Errors
/// There's no such binary, the build fails, the required confinement is missing, or a signal to stop came.
pub fn run(
    workspace: &mut Workspace,
    run: &str,
    device: Option<Device>,
    job: &Job,
    sandbox: Sandbox,
) -> Result<ExitStatus> {
    let interrupts = Interrupts::catch()?;
    sandbox.check()?;
    let executable = build(workspace, run, device, &interrupts)?;
    let folder = workspace
        .own("work")
        .join(format!("tool-{}", std::process::id()));
    fs_err::create_dir_all(&folder)?;
    let mut command = Command::new(&executable);
    command.envs(device.and_then(accelerator::variable));
    let common = sandbox.common(&workspace.workflow.root);
    let status = start(command, &executable, job, &folder, common.as_ref());
    store::remove_path(&folder)?;
    let status = status?;
    interrupts.check()?;
    Ok(status)
}

/// Builds `run`, for `device` if it computes on one, and returns its executable.
///
/// # Errors
/// There's no such binary, the build fails, or a signal to stop came.
pub(crate) fn build(
    workspace: &mut Workspace,
    run: &str,
    device: Option<Device>,
    interrupts: &Interrupts,
) -> Result<PathBuf> {
    workspace.code.check(run, &mut workspace.state.index)?;
    let mut build = Build::of(&workspace.workflow.graph.instances);
    build.add(run, device);
    build.binaries.insert(run.to_owned());
    let mut built = build.run(&workspace.workflow.root, interrupts)?;
    let executable = built
        .executables
        .remove(run)
        .ok_or_else(|| keys::Error::Cargo {
            what: format!("find the executable of `{run}`"),
            why: "cargo built it but did not name it".into(),
        });
    Ok(executable?)
}

/// Starts a program in the folder `work`, and waits for its end.
fn start(
    mut command: Command,
    executable: &Path,
    job: &Job,
    work: &Path,
    common: Option<&Limits>,
) -> Result<ExitStatus> {
    let file = work.join("job.json");
    fs_err::write(
        &file,
        serde_json::to_vec(job).map_err(std::io::Error::from)?,
    )?;
    command.arg(&file);
    let Some(common) = common else {
        return Ok(command.status()?);
    };
    let limits = limits::limits_of_job(common, executable, job, work);
    let (mut child, _) = sandbox::spawn(command.env(environment::TEMPORARY, work), &limits)?;
    Ok(child.wait()?)
}
