//! Programs of the workspace that are no stages: built and started like one, but nothing of them is recorded.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use executor::Interrupts;
use protocol::{Job, environment};
use sandbox::Limits;
use workflow::device::Device;

use crate::cargo::Build;
use crate::device;
use crate::error::{Error, Result};
use crate::limits::{self, Sandbox};
use crate::workspace::Workspace;

impl Workspace {
    /// The file that a stage's output becomes, if it is there.
    ///
    /// # Errors
    /// There's no such stage, or it stands for several instances.
    pub fn made(&self, stage: &str, output: &str) -> Result<Option<PathBuf>> {
        let instance = &self.workflow.graph.instances[self.workflow.graph.one(stage)?];
        let output = instance.outputs.get(output);
        let path = output.map(|output| self.workflow.root.join(&output.path));
        Ok(path.filter(|path| path.exists()))
    }

    /// Builds `run`, a text `crate/binary`, for `device` if it computes on one, and starts it with the job file `job`,
    /// held to the paths in it. Its input and outputs are this process's own.
    ///
    /// # Errors
    /// There's no such binary, the build fails, the required confinement is missing, or a signal to stop came.
    pub fn run_tool(
        &mut self,
        run: &str,
        device: Option<Device>,
        job: &Job,
        sandbox: Sandbox,
    ) -> Result<ExitStatus> {
        let interrupts = Interrupts::catch()?;
        sandbox.check()?;
        let executable = self.build_tool(run, device, &interrupts)?;
        let folder = self
            .own("work")
            .join(format!("tool-{}", std::process::id()));
        fs_err::create_dir_all(&folder)?;
        let mut command = Command::new(&executable);
        command.envs(device.and_then(device::variable));
        let common = sandbox.common(self);
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
    pub(crate) fn build_tool(
        &mut self,
        run: &str,
        device: Option<Device>,
        interrupts: &Interrupts,
    ) -> Result<PathBuf> {
        self.code.check(run, &mut self.index)?;
        let mut build = Build::of(&self.workflow.graph.instances);
        build.add(run, device);
        build.binaries.insert(run.to_owned());
        let mut built = build.run(&self.workflow.root, interrupts)?;
        built.executables.remove(run).ok_or_else(|| Error::Cargo {
            what: format!("find the executable of `{run}`"),
            why: "cargo built it but did not name it".into(),
        })
    }
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
