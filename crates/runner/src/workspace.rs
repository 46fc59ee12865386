//! The workspace as one command sees it: declarations, params, lock, cache.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use executor::Interrupts;
use keys::cargo::Built;
use keys::code::{Code, at_stage};
use keys::lock::Lock;
use ledger::cache::Cache;
use ledger::provenance::{Origin, Tracer};
use ledger::runs::RunLog;
use ledger::sources::Sources;
use ledger::states::{self, StateResults};
use ledger::{FOLDER, workspace_lock};
use store::{Digest, Index, Store, write_whole};
use workflow::Workflow;
use workflow::declaration::{self, Action};
use workflow::graph::{Graph, Selection};
use workflow::params::Overrides;

use crate::accelerator;
use crate::build::TABLES;
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::observer::WorkspaceObserver;
use crate::output_check;
use crate::state::State;

/// A workspace, read for one command.
#[derive(Debug)]
pub struct Workspace {
    /// The declaration.
    pub workflow: Workflow,
    pub(crate) code: Code,
    pub(crate) state: State,
    access: Access,
}

/// A command's access to the workspace: reading alone, or writing too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing is written, not even what would make the next check faster.
    Read,
    /// The runner's own folder and, in a repro, outputs and the lock.
    Write,
}

/// The nearest folder at `start` or above with a `pipeline.toml`.
///
/// # Errors
/// There's none.
pub fn find_root(start: &Path) -> Result<PathBuf> {
    let found = start
        .ancestors()
        .find(|folder| folder.join(declaration::FILE).is_file());
    let found = found.ok_or_else(|| Error::NoWorkspace(start.to_owned()))?;
    Ok(fs_err::canonicalize(found)?)
}

impl Workspace {
    /// Reads the workspace at `root`.
    ///
    /// # Errors
    /// A file is malformed or cannot be read, a name is unknown, stages form a
    /// cycle or their outputs overlap.
    pub fn open(root: PathBuf, overrides: &Overrides, access: Access) -> Result<Self> {
        Self::open_in(root, overrides, access, PathBuf::new())
    }

    /// Reads the workspace at `root` for the state whose outputs, lock and logs stand in `folder`, from the root; with an
    /// empty one, as [`Workspace::open`]. Sources, cache and work under way are shared by all states.
    ///
    /// # Errors
    /// As [`Workspace::open`].
    pub fn open_in(
        root: PathBuf,
        overrides: &Overrides,
        access: Access,
        folder: PathBuf,
    ) -> Result<Self> {
        if root.join(FOLDER).is_symlink() {
            return Err(Error::LinkedFolder);
        }
        let workflow = Workflow::load(root, overrides, folder, accelerator::accelerator())?;
        let lock = Lock::load(&workflow.state_root())?;
        let folder = workflow.root.join(FOLDER);
        if access == Access::Write {
            mark(&folder);
        }
        let cache = folder.join("cache");
        let store = match access {
            Access::Read if !cache.exists() => None,
            _ => Some(Store::open(cache)?),
        };
        // Opening an index makes its folder; one for reading alone must not.
        let index = match access {
            Access::Read if !folder.exists() => std::env::temp_dir().join("atelier-no-index"),
            _ => folder.join("index"),
        };
        let mut workspace = Workspace {
            code: Code::open(&workflow.root, &folder, access == Access::Write),
            state: State::new(lock, Index::open(index)?, store),
            workflow,
            access,
        };
        let (code, state) = (&mut workspace.code, &mut workspace.state);
        accelerator::recall(&mut workspace.workflow, code, state)?;
        Ok(workspace)
    }

    /// A path inside the runner's folder.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        ledger::own(&self.workflow.root, name)
    }

    /// Waits for other repros, having reported for whom.
    ///
    /// # Errors
    /// The lock of the workspace cannot be taken, or a signal to stop came.
    pub fn acquire(
        &self,
        interrupts: &Interrupts,
        events: &mut dyn Events,
    ) -> Result<workspace_lock::Guard> {
        let mut on_wait = |holder: &str| events.event(Event::Waiting { holder });
        Ok(workspace_lock::acquire(
            &self.own("lock"),
            interrupts,
            &mut on_wait,
        )?)
    }

    /// The log of an instance's last run.
    pub fn log(&self, instance: &str) -> PathBuf {
        self.logs().join(format!("{instance}.log"))
    }

    /// The folder of the logs.
    pub(crate) fn logs(&self) -> PathBuf {
        match self.workflow.state_folder() {
            None => self.own("logs"),
            Some(_) => self.workflow.state_root().join("logs"),
        }
    }

    /// The list of runs.
    #[must_use]
    pub fn runs(&self) -> RunLog {
        RunLog::new(&self.workflow.root)
    }

    /// The results of the current state.
    #[must_use]
    pub fn results(&self) -> StateResults {
        StateResults {
            lock: self.state.lock.clone(),
            folder: Some(self.workflow.root.clone()),
        }
    }

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

    /// The file that an output of each of a stage's instances becomes, if it is there, by the instance's name, in their
    /// order.
    ///
    /// # Errors
    /// There's no such stage.
    pub fn made_by_each(
        &self,
        stage: &str,
        output: &str,
    ) -> Result<Vec<(String, Option<PathBuf>)>> {
        let root = &self.workflow.root;
        let named = self.workflow.graph.of_stage(stage)?.into_iter();
        let made = named.map(|id| {
            let instance = &self.workflow.graph.instances[id];
            let output = instance.outputs.get(output);
            let path = output.map(|output| root.join(&output.path));
            (instance.name.clone(), path.filter(|path| path.exists()))
        });
        Ok(made.collect())
    }

    /// The bytes of an output, a file, as a state's last result has it: from the cache, else from its place. None if the
    /// state has no such result, or neither has it.
    #[must_use]
    pub fn content(&self, state: &StateResults, instance: &str, output: &str) -> Option<Vec<u8>> {
        let digest = state.lock.get(instance)?.outputs.get(output)?;
        let store = self.state.store.as_ref();
        if let Some(bytes) = store.and_then(|store| store.read(digest).ok()) {
            return Some(bytes);
        }
        let mut instances = self.workflow.graph.instances.iter();
        let declared = instances.find(|declared| declared.name == instance)?;
        let place = &declared.outputs.get(output)?.path;
        let bytes = fs_err::read(state.folder.as_ref()?.join(place)).ok()?;
        (Digest::of_bytes(&bytes) == *digest).then_some(bytes)
    }

    /// Returns whether the workspace has the binary of `run`, a text `crate/binary`.
    ///
    /// # Errors
    /// Cargo can't tell.
    pub fn has_binary(&mut self, run: &str) -> Result<bool> {
        Ok(self.code.has(run, &mut self.state.index)?)
    }

    /// The graph, and an observer of what its instances depend on.
    pub(crate) fn observer(&mut self) -> (&Graph, WorkspaceObserver<'_>) {
        let observer = WorkspaceObserver {
            workflow: &self.workflow,
            lock: &self.state.lock,
            store: self.state.store.as_ref(),
            index: &mut self.state.index,
            observed: &mut self.state.observed,
            code: &mut self.code,
            executables: None,
        };
        (&self.workflow.graph, observer)
    }

    /// The cache, as a person sees it.
    #[must_use]
    pub fn cache(&self) -> Cache<'_> {
        Cache {
            workflow: &self.workflow,
            lock: &self.state.lock,
            store: self.state.store.as_ref(),
        }
    }

    /// The sources that the cache keeps.
    pub fn sources(&mut self) -> Sources<'_> {
        Sources {
            workflow: &self.workflow,
            store: self.state.store.as_ref(),
            index: &mut self.state.index,
        }
    }

    /// The origin of what stands at `path`.
    ///
    /// # Errors
    /// No stage makes or reads it, several make parts of it, or a file cannot be read.
    pub fn provenance(&mut self, path: &Path) -> Result<Origin> {
        let (workflow, lock) = (&self.workflow, &self.state.lock);
        let store = self.state.store.as_ref();
        Ok(Tracer::new(workflow, lock, store, &mut self.state.index).origin(path)?)
    }

    /// Returns whether the workspace has the binaries of all selected stages.
    ///
    /// # Errors
    /// One is missing; the message names the nearest.
    pub(crate) fn check_binaries(&mut self, selection: &Selection) -> Result<()> {
        for id in self.workflow.graph.in_order(selection) {
            let instance = Arc::clone(&self.workflow.graph.instances[id]);
            match &instance.action {
                _ if instance.rules.is_frozen => {}
                Action::Run(run) => {
                    let checked = self.code.check(run, &mut self.state.index);
                    checked
                        .map_err(|error| at_stage(&self.workflow.declaration, &instance, error))?;
                }
                Action::Command(_) => {}
            }
            let has_checker = || Ok(self.code.has(TABLES, &mut self.state.index)?);
            output_check::check_checker(&self.workflow.declaration, &instance, has_checker)?;
        }
        Ok(())
    }

    /// Checks that the key of `stage` covers all files and variables that its binary `run`, if built, was made from.
    ///
    /// # Errors
    /// It doesn't, or a file cannot be read.
    pub(crate) fn check_code(&mut self, stage: &str, run: &str, built: &Built) -> Result<()> {
        let Some(executable) = built.executables.get(run) else {
            return Ok(());
        };
        let index = &mut self.state.index;
        if let Some(file) = self.code.uncovered(run, executable, index)? {
            return Err(Error::Uncovered {
                stage: stage.to_owned(),
                run: run.to_owned(),
                file,
            });
        }
        if let Some(variable) = self.code.uncovered_variable(run, built, index)? {
            return Err(Error::UncoveredVariable {
                stage: stage.to_owned(),
                run: run.to_owned(),
                variable: Box::new(variable),
            });
        }
        Ok(())
    }

    /// Looks at the sources anew, after a build.
    pub(crate) fn forget_code(&mut self) {
        self.code.forget();
    }

    /// Reads the lock again, once no other repro can write it.
    pub(crate) fn reload_lock(&mut self) -> Result<()> {
        Ok(self.state.lock.reload(&self.workflow.state_root())?)
    }

    /// Keeps what makes the next check fast. A full disk is no error: nothing is lost but time.
    pub(crate) fn save_caches(&mut self) -> Result<()> {
        if self.access == Access::Read {
            return Ok(());
        }
        match self.write_caches() {
            Err(store::Error::Io(error)) if error.kind() == ErrorKind::StorageFull => Ok(()),
            saved => Ok(saved?),
        }
    }

    fn write_caches(&mut self) -> store::Result<()> {
        self.code.save()?;
        self.state.index.save()
    }

    /// Notes a key of a state beside the current one.
    pub(crate) fn note_key(&self, key: &Digest) -> Result<()> {
        match self.workflow.state_folder() {
            None => Ok(()),
            Some(_) => Ok(states::note_key(&self.workflow.state_root(), key)?),
        }
    }

    /// Writes the lock, without stages that are no longer declared.
    pub(crate) fn save_lock(&mut self) -> Result<()> {
        let instances = self.workflow.graph.instances.iter();
        let declared: BTreeSet<&str> = instances.map(|i| i.name.as_str()).collect();
        self.state.lock.keep_only(&declared);
        Ok(self
            .state
            .lock
            .save(&self.workflow.state_root(), &self.own(""))?)
    }
}

/// Keeps the runner's folder out of git, whatever the workspace ignores, and out of backups: <https://bford.info/cachedir>.
fn mark(folder: &Path) {
    const MARKS: [(&str, &str); 2] = [
        (".gitignore", "*\n"),
        (
            "CACHEDIR.TAG",
            "Signature: 8a477f597d28d172789f06886806bc55\n# The runner's folder: cache, logs, work under way.\n",
        ),
    ];
    for (name, text) in MARKS {
        let path = folder.join(name);
        if !path.exists() {
            // Nothing depends on them: a full disk is to be looked through and cleared all the same.
            let made = fs_err::create_dir_all(folder).map_err(store::Error::from);
            let _ = made.and_then(|()| write_whole(&path, text.as_bytes()));
        }
    }
}
