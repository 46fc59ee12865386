//! The workspace as one command sees it: declarations, params, lock, cache.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use executor::Interrupts;
use store::{Digest, Index, Seen, Store, remove_path, write_whole};
use workflow::Workflow;
use workflow::declaration::{self, Action};
use workflow::graph::{Graph, Selection};
use workflow::params::Overrides;

use crate::cargo::{Built, TABLES, Variable};
use crate::checks;
use crate::code::{Code, at_stage};
use crate::device;
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::ledger::cache::{self, Cache};
use crate::ledger::provenance::{Origin, Tracer};
use crate::ledger::runs::{Environment, RunLog};
use crate::ledger::sources::Sources;
use crate::ledger::states::{self, StateResults};
use crate::ledger::{self, FOLDER, workspace_lock};
use crate::lock::Lock;
use crate::observer::WorkspaceObserver;

/// A workspace, read for one command.
#[derive(Debug)]
pub struct Workspace {
    /// What is declared.
    pub workflow: Workflow,
    pub(crate) lock: Lock,
    pub(crate) index: Index,
    /// What was looked at since a stage began or ended, by path from the root: many stages may read the same folder, and
    /// each reads what another made.
    seen: BTreeMap<OsString, Seen>,
    /// None where nothing was ever stored and nothing is to be written.
    pub(crate) store: Option<Store>,
    pub(crate) code: Code,
    access: Access,
    /// Environment of runs; found when first needed.
    environment: OnceCell<Environment>,
}

/// Whether a command may write in the workspace.
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

    /// Reads the workspace at `root` for a state called `name` beside the current one: its outputs, its lock and its
    /// logs have a folder of their own, while sources, cache and work under way are shared.
    ///
    /// # Errors
    /// As [`Workspace::open`], or a command writes an output without asking where.
    pub fn open_aside(root: PathBuf, overrides: &Overrides, name: &Path) -> Result<Self> {
        let aside = Path::new(FOLDER).join(name);
        let workspace = Self::open_in(root, overrides, Access::Write, aside)?;
        for instance in &workspace.workflow.graph.instances {
            if let Some(output) = instance.written_in_place().first() {
                return Err(Error::Invalid(format!(
                    "stage `{}` cannot run beside the current state: its command does not write `${{out.{output}}}`",
                    instance.name
                )));
            }
        }
        fs_err::create_dir_all(workspace.workflow.state_root())?;
        Ok(workspace)
    }

    /// Removes the state `name` beside the current one, once no repro is at work.
    ///
    /// # Errors
    /// Its folder cannot be removed, or a signal asks to stop.
    pub fn remove_aside(&mut self, name: &Path, events: &mut dyn Events) -> Result<()> {
        let interrupts = Interrupts::catch()?;
        let _lock = self.acquire(&interrupts, events)?;
        Ok(remove_path(&self.workflow.root.join(FOLDER).join(name))?)
    }

    fn open_in(
        root: PathBuf,
        overrides: &Overrides,
        access: Access,
        aside: PathBuf,
    ) -> Result<Self> {
        if root.join(FOLDER).is_symlink() {
            // Some of what is in it is cleared, whatever it leads to.
            return Err(Error::Invalid(format!(
                "`{FOLDER}` is a symbolic link: make it a folder, in which `cache` may be a link to another disk"
            )));
        }
        let workflow = Workflow::load(root, overrides, aside, device::accelerator())?;
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
            index: Index::open(index)?,
            seen: BTreeMap::new(),
            code: Code::open(&workflow.root, &folder, access == Access::Write),
            workflow,
            lock,
            store,
            access,
            environment: OnceCell::new(),
        };
        workspace.recall_device()?;
        Ok(workspace)
    }

    /// A path inside the runner's folder.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        ledger::own(&self.workflow.root, name)
    }

    /// Waits for other repros, having reported for whom.
    ///
    /// # Errors
    /// The lock of the workspace cannot be taken, or a signal asks to stop.
    pub(crate) fn acquire(
        &self,
        interrupts: &Interrupts,
        events: &mut dyn Events,
    ) -> Result<workspace_lock::Guard> {
        let mut on_wait = |holder: &str| events.event(Event::Waiting { holder });
        workspace_lock::acquire(&self.own("lock"), interrupts, &mut on_wait)
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

    /// Environment of runs, found once.
    pub(crate) fn environment(&self) -> &Environment {
        let find = || Environment::find(&self.workflow.root);
        self.environment.get_or_init(find)
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
            lock: self.lock.clone(),
            folder: Some(self.workflow.root.clone()),
        }
    }

    /// Whether the workspace has the binary of `run`, a text `crate/binary`.
    ///
    /// # Errors
    /// Cargo can't tell.
    pub fn has_binary(&mut self, run: &str) -> Result<bool> {
        self.code.has(run, &mut self.index)
    }

    /// The graph, and an observer of what its instances depend on.
    pub(crate) fn observer(&mut self) -> (&Graph, WorkspaceObserver<'_>) {
        let observer = WorkspaceObserver {
            workflow: &self.workflow,
            lock: &self.lock,
            store: self.store.as_ref(),
            index: &mut self.index,
            seen: &mut self.seen,
            code: &mut self.code,
            executables: None,
        };
        (&self.workflow.graph, observer)
    }

    /// The cache, which a writing command always has.
    pub(crate) fn store(&self) -> Result<&Store> {
        self.store.as_ref().ok_or_else(cache::not_open)
    }

    /// The cache, as a person sees it.
    #[must_use]
    pub fn cache(&self) -> Cache<'_> {
        Cache {
            workflow: &self.workflow,
            lock: &self.lock,
            store: self.store.as_ref(),
        }
    }

    /// The sources that the cache keeps.
    pub fn sources(&mut self) -> Sources<'_> {
        Sources {
            workflow: &self.workflow,
            store: self.store.as_ref(),
            index: &mut self.index,
        }
    }

    /// The origin of what stands at `path`.
    ///
    /// # Errors
    /// No stage makes or reads it, several make parts of it, or a file cannot be read.
    pub fn provenance(&mut self, path: &Path) -> Result<Origin> {
        let (workflow, lock) = (&self.workflow, &self.lock);
        let store = self.store.as_ref();
        Tracer::new(workflow, lock, store, &mut self.index).origin(path)
    }

    /// The digest of what is at `path`, which the cache holds from here on if it is there and `is_cached`.
    pub(crate) fn take(&mut self, path: &Path, is_cached: bool) -> Result<Digest> {
        Ok(match &mut self.store {
            Some(store) if is_cached => store.put(&mut self.index, path)?,
            _ => self.index.digest(path)?,
        })
    }

    /// Looks at files anew, after something may have been written.
    pub(crate) fn forget_seen(&mut self) {
        self.seen.clear();
    }

    /// Whether the workspace has the binaries of all selected stages.
    ///
    /// # Errors
    /// One is missing; the message names the nearest.
    pub(crate) fn check_binaries(&mut self, selection: &Selection) -> Result<()> {
        for id in self.workflow.graph.in_order(selection) {
            let instance = Arc::clone(&self.workflow.graph.instances[id]);
            match &instance.action {
                _ if instance.rules.is_frozen => {}
                Action::Run(run) => {
                    let checked = self.code.check(run, &mut self.index);
                    checked
                        .map_err(|error| at_stage(&self.workflow.declaration, &instance, error))?;
                }
                Action::Command(_) => {}
            }
            let has_checker = || self.code.has(TABLES, &mut self.index);
            checks::check_checker(&self.workflow.declaration, &instance, has_checker)?;
        }
        Ok(())
    }

    /// A file that a binary of the stages was made from and that its key doesn't cover; see [`Code::uncovered`].
    pub(crate) fn uncovered(&mut self, run: &str, executable: &Path) -> Result<Option<PathBuf>> {
        self.code.uncovered(run, executable, &mut self.index)
    }

    /// A variable that a binary of the stages was compiled with and that its key doesn't cover; see
    /// [`Code::uncovered_variable`].
    pub(crate) fn uncovered_variable(
        &mut self,
        run: &str,
        built: &Built,
    ) -> Result<Option<Variable>> {
        self.code.uncovered_variable(run, built, &mut self.index)
    }

    /// Looks at the sources anew, after a build.
    pub(crate) fn forget_code(&mut self) {
        self.code.forget();
    }

    /// Reads the lock again, once no other repro can write it.
    pub(crate) fn reload_lock(&mut self) -> Result<()> {
        self.lock.reload(&self.workflow.state_root())
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
        self.index.save()
    }

    /// Notes a key of a state beside the current one.
    pub(crate) fn note_key(&self, key: &Digest) -> Result<()> {
        match self.workflow.state_folder() {
            None => Ok(()),
            Some(_) => states::note_key(&self.workflow.state_root(), key),
        }
    }

    /// Writes the lock, without stages that are no longer declared.
    pub(crate) fn save_lock(&mut self) -> Result<()> {
        let instances = self.workflow.graph.instances.iter();
        let declared: BTreeSet<&str> = instances.map(|i| i.name.as_str()).collect();
        self.lock.keep_only(&declared);
        self.lock.save(&self.workflow.state_root(), &self.own(""))
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
