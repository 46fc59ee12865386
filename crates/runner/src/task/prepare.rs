//! The files and the task of a run about to start.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use executor::{Task, TaskId};
use keys::inputs::{Derivation, Found};
use protocol::{Input, environment};
use sandbox::Limits;
use store::remove_path;
use workflow::instance::Instance;

use super::{Binary, Job, command, needed, work};
use crate::error::Result;
use crate::limits::Declared;
use crate::staging::JOB;
use crate::workspace::Workspace;
use crate::{accelerator, staging};

impl Job {
    /// Makes the work folder and the job file. Where there are limits `common` to all stages, the task is confined to
    /// them and to its declared files.
    ///
    /// # Errors
    /// An output's place is refused, or a file cannot be written.
    pub(crate) fn prepare(
        workspace: &Workspace,
        instance: &Instance,
        derivation: &Derivation,
        binary: Option<&Binary>,
        common: Option<&Limits>,
    ) -> Result<Self> {
        for (name, output) in &instance.outputs {
            staging::check(workspace, instance, name, output)?;
        }
        let work = work(workspace, &derivation.key);
        make_folders(workspace, &work)?;
        let in_place = instance.written_in_place();
        let made = places(workspace, instance, &in_place, &work)?;
        let file = work.join(JOB);
        let content = job_file(workspace, instance, derivation, &made, &work);
        let text = serde_json::to_string_pretty(&content).map_err(std::io::Error::from)?;
        fs_err::write(&file, text + "\n")?;
        let (program, arguments) = command::line(
            &workspace.workflow.root,
            instance,
            derivation,
            binary.map(|binary| binary.path.as_path()),
            &file,
            &made,
        )?;
        let command = command::shown(&program, &arguments);
        // The paths of sockets are short, so this one is, too.
        let temporary = staging::passing(workspace).join(&derivation.key.to_string()[..12]);
        let mut job = Job {
            task: Task {
                id: TaskId::new(derivation.key.to_string()),
                instance: instance.name.clone(),
                resources: needed(instance),
                program,
                arguments,
                folder: workspace.workflow.root.clone(),
                environment: variables(workspace, instance, &work),
                limits: None,
                timeout: instance.rules.timeout,
                log: workspace.log(&instance.name),
                work,
            },
            instance: instance.clone(),
            temporary,
            binary: binary.map(|binary| binary.digest),
            command,
            made,
            in_place,
        };
        if let Some(common) = common {
            job.hold(workspace, derivation, common)?;
        }
        job.copy_kept(workspace)?;
        Ok(job)
    }

    /// Confines the task to the limits `common` to all stages and to the declared files of its stage.
    fn hold(
        &mut self,
        workspace: &Workspace,
        derivation: &Derivation,
        common: &Limits,
    ) -> Result<()> {
        let temporary = &self.temporary;
        remove_path(temporary)?;
        fs_err::create_dir_all(temporary)?;
        let path = temporary.display().to_string();
        self.task
            .environment
            .push((environment::TEMPORARY.to_owned(), path));
        let in_place = self.in_place.iter().map(|name| {
            let is_kept = self.instance.outputs[name].treatment.is_kept;
            (self.made[name].clone(), is_kept)
        });
        let declared = Declared {
            root: &workspace.workflow.root,
            program: &self.task.program,
            action: &self.instance.action,
            inputs: input_paths(workspace, derivation),
            work: [&self.task.work, temporary],
            in_place: in_place.collect(),
        };
        self.task.limits = Some(declared.limits(common));
        Ok(())
    }

    /// Copies outputs that the run continues to the paths where it writes them.
    fn copy_kept(&self, workspace: &Workspace) -> Result<()> {
        for (name, made) in &self.made {
            let output = &self.instance.outputs[name];
            let last = workspace.workflow.root.join(&output.path);
            if output.treatment.is_kept && !self.in_place.contains(name) && last.exists() {
                store::copy_path(&last, made)?;
            }
        }
        Ok(())
    }
}

/// Makes the folders that a run writes to, without outputs of the last run.
fn make_folders(workspace: &Workspace, work: &Path) -> Result<()> {
    remove_path(&work.join("out"))?;
    fs_err::create_dir_all(work.join("out"))?;
    fs_err::create_dir_all(work.join("scratch"))?;
    Ok(fs_err::create_dir_all(workspace.logs())?)
}

/// Path where each output is written.
fn places(
    workspace: &Workspace,
    instance: &Instance,
    in_place: &BTreeSet<String>,
    work: &Path,
) -> Result<BTreeMap<String, PathBuf>> {
    let mut made = BTreeMap::new();
    for (name, output) in &instance.outputs {
        let path = if in_place.contains(name) {
            workspace.workflow.root.join(&output.path)
        } else {
            let folder = work.join("out").join(name);
            fs_err::create_dir_all(&folder)?;
            folder.join(output.path.file_name().unwrap_or_default())
        };
        made.insert(name.clone(), path);
    }
    Ok(made)
}

/// Variables that a stage has beside those of the runner: its job, and, as far as it declares them, the number of
/// threads for libraries that ask for it, its device, and facts of the run. Executors add its GPUs.
fn variables(workspace: &Workspace, instance: &Instance, work: &Path) -> Vec<(String, String)> {
    let job = work.join(JOB).display().to_string();
    let mut variables = vec![(environment::JOB.to_owned(), job)];
    if let Some(cores) = instance.rules.resources.cores {
        for name in [environment::RAYON_THREADS, environment::OPENMP_THREADS] {
            variables.push((name.to_owned(), cores.to_string()));
        }
    }
    let of_device = instance.device.and_then(accelerator::variable);
    variables.extend(of_device.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut outputs = instance.outputs.values();
    if outputs.any(|output| output.treatment.is_volatile) {
        variables.extend(facts(workspace));
    }
    variables
}

/// Facts of the run that differ between runs with the same results: only volatile outputs may depend on them.
fn facts(workspace: &Workspace) -> impl Iterator<Item = (String, String)> {
    let workflow = &workspace.workflow;
    let commit = workspace.state.environment(&workflow.root).commit.clone();
    let device = workflow
        .device_setting()
        .and_then(|_| workflow.device().ok());
    let facts = [
        (
            environment::VERSION,
            Some(env!("CARGO_PKG_VERSION").to_owned()),
        ),
        (environment::COMMIT, commit),
        (
            environment::DEVICE,
            device.map(|device| device.name().to_owned()),
        ),
    ];
    { facts.into_iter() }.filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

/// The files and folders that the stage reads.
fn input_paths(workspace: &Workspace, derivation: &Derivation) -> Vec<PathBuf> {
    let contents = derivation.inputs.values().flat_map(Found::contents);
    contents
        .map(|content| workspace.workflow.root.join(&content.path))
        .collect()
}

fn job_file(
    workspace: &Workspace,
    instance: &Instance,
    derivation: &Derivation,
    made: &BTreeMap<String, PathBuf>,
    work: &Path,
) -> protocol::Job {
    let absolute = |path: &Path| workspace.workflow.root.join(path);
    let inputs = derivation.inputs.iter().map(|(name, found)| {
        let input = match found {
            Found::Absent => Input::Absent,
            Found::One(content) => Input::One(absolute(&content.path)),
            Found::Many(contents) => {
                let paths = contents.iter().map(|content| absolute(&content.path));
                Input::Many(paths.collect())
            }
        };
        (name.clone(), input)
    });
    let outputs = made
        .iter()
        .map(|(name, path)| (name.clone(), absolute(path)));
    protocol::Job {
        inputs: inputs.collect(),
        outputs: outputs.collect(),
        params: instance.params.clone().into_iter().collect(),
        scratch: absolute(&work.join("scratch")),
        stage: instance.name.clone(),
    }
}
