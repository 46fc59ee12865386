//! A run of one instance: its work folder, its job file, its log, its outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use executor::{Resources, Task};
use keys::inputs::Derivation;
use protocol::environment;
use store::{Digest, Record, Since, remove_path};
use workflow::declaration;
use workflow::instance::{Instance, Output};

use crate::error::{Error, Result};
use crate::events::Events;
use crate::staging;
use crate::workspace::Workspace;

mod command;
mod end;
mod prepare;

/// A stage's binary.
#[derive(Debug)]
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    pub(crate) digest: Digest,
}

/// A run about to start, under way or done.
pub(crate) struct Job {
    instance: Instance,
    /// Its temporary files.
    temporary: PathBuf,
    task: Task,
    /// Digest of its binary; none for a foreign command.
    binary: Option<Digest>,
    /// Command in the log's first line.
    command: String,
    /// Path where each output is written.
    made: BTreeMap<String, PathBuf>,
    /// Outputs that a foreign command writes in their final places.
    in_place: BTreeSet<String>,
}

impl Job {
    /// Begins the log and makes room for outputs that the command writes in place.
    ///
    /// # Errors
    /// A file cannot be written or moved.
    pub(crate) fn begin(&self, workspace: &Workspace) -> Result<()> {
        let name = &self.instance.name;
        // Each line is the runner's own, however many the command has.
        let command = self.command.trim_end().replace('\n', "\n# ");
        fs_err::write(&self.task.log, format!("# {name}: {command}\n"))?;
        let outputs = self
            .in_place
            .iter()
            .map(|name| &self.instance.outputs[name]);
        let outputs: Vec<&Output> = outputs.collect();
        if outputs.is_empty() {
            return Ok(());
        }
        staging::stash(workspace, &self.task.work, &outputs)
    }

    /// A path as a person in the workspace's root would write it.
    fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.task.folder)
            .unwrap_or(path)
            .to_owned()
    }

    /// The task, for an executor.
    pub(crate) fn task(&self) -> &Task {
        &self.task
    }

    /// Stores the outputs where they were made.
    ///
    /// # Errors
    /// An output is missing, or an input changed meanwhile.
    pub(crate) fn store(
        &self,
        workspace: &mut Workspace,
        derivation: &Derivation,
    ) -> Result<BTreeMap<String, Digest>> {
        for (name, made) in &self.made {
            if !made.exists() {
                return Err(Error::MissingOutput {
                    stage: self.instance.name.clone(),
                    name: name.clone(),
                    path: self.instance.outputs[name].path.display().to_string(),
                });
            }
        }
        self.check_inputs(workspace, derivation)?;
        let outputs = self.made.iter().map(|(name, made)| {
            let is_cached = self.instance.outputs[name].treatment.is_cached;
            Ok((name.clone(), workspace.state.take(made, is_cached)?))
        });
        outputs.collect()
    }

    /// Variables that the runner put into the environment of the process.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (String, String)> {
        // The work folder is of no interest after the run.
        let own = [environment::JOB, environment::TEMPORARY];
        let variables = self.task.environment.iter();
        variables
            .filter(move |(name, _)| !own.contains(&name.as_str()))
            .cloned()
    }

    /// Path where an output was written.
    pub(crate) fn made(&self, name: &str) -> &Path {
        &self.made[name]
    }

    /// Adds the path of the output to the error of its check, if it stays there.
    pub(crate) fn with_place(&self, error: Error) -> Error {
        match error {
            Error::CheckFailed {
                stage,
                name,
                faults,
                ..
            } if !self.in_place.contains(&name) => Error::CheckFailed {
                place: Some(self.shown(&self.made[&name])),
                stage,
                name,
                faults,
            },
            other => other,
        }
    }

    /// Records the run with its stored outputs and moves these in, all or none.
    ///
    /// # Errors
    /// A file cannot be written or moved.
    pub(crate) fn settle(
        &self,
        workspace: &mut Workspace,
        derivation: &Derivation,
        outputs: &BTreeMap<String, Digest>,
        events: &mut dyn Events,
    ) -> Result<()> {
        let record = Record {
            outputs: outputs.clone(),
            manifest: derivation.manifest.to_string(),
            accepted: None,
            binary: self.binary,
        };
        workspace.state.store()?.record(&derivation.key, &record)?;
        for (name, made) in &self.made {
            if !self.in_place.contains(name) {
                let digest = &outputs[name];
                staging::move_in(workspace, &self.instance, name, made, digest, events)?;
            }
        }
        staging::discard(workspace, &self.instance, &self.task.work, events)
    }

    /// Restores the stash of an unsuccessful command, and removes its outputs, unless their check failed: then a person
    /// may look at them.
    ///
    /// # Errors
    /// A file cannot be moved or removed.
    pub(crate) fn recover(&self, workspace: &Workspace, why: &Error) -> Result<()> {
        staging::recover_from(workspace, &self.task.work)?;
        if !matches!(why, Error::CheckFailed { .. }) {
            remove_path(&self.task.work.join("out"))?;
        }
        Ok(())
    }

    /// Removes the scratch folder of a failed run, from which the next one would continue, if an input changed
    /// meanwhile: the content that it was made from is unknown.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn distrust(
        &self,
        workspace: &mut Workspace,
        derivation: &Derivation,
    ) -> Result<()> {
        if self.check_inputs(workspace, derivation).is_err() {
            remove_path(&self.task.work.join("scratch"))?;
        }
        Ok(())
    }

    fn check_inputs(&self, workspace: &mut Workspace, derivation: &Derivation) -> Result<()> {
        for (name, found) in &derivation.inputs {
            for content in found.contents() {
                let path = workspace.workflow.root.join(&content.path);
                let Some(seen) = &content.seen else {
                    continue;
                };
                let since = workspace.state.index.since(&path, seen);
                if since != Since::Untouched {
                    return Err(Error::InputChanged {
                        stage: self.instance.name.clone(),
                        name: name.clone(),
                        is_back: since == Since::ChangedBack,
                    });
                }
            }
        }
        Ok(())
    }

    /// Puts the work folder away after a success.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn clean_up(&self, workspace: &Workspace) -> Result<()> {
        staging::retire(workspace, &self.task.work)
    }
}

/// Work folder of a run with this key.
pub(crate) fn work(workspace: &Workspace, key: &Digest) -> PathBuf {
    workspace.own("work").join(key.to_string())
}

/// Resources that an instance occupies while it runs.
pub(crate) fn needed(instance: &Instance) -> Resources {
    let declaration::Resources {
        cores,
        memory,
        gpus,
    } = instance.rules.resources;
    Resources {
        cores,
        memory,
        gpus,
    }
}
