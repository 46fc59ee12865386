//! States of the workspace that have a name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use executor::Interrupts;
use ledger::FOLDER;
use ledger::revision::Revision;
use ledger::states::StateResults;
use runner::events::Events;
use runner::workspace::{Access, Workspace};
use serde_json::Value;
use workflow::params::Overrides;

use crate::error::{Error, Result};

/// The name of the current state.
pub const WORKSPACE: &str = "workspace";

/// A state with its name.
#[derive(Debug)]
pub struct State {
    /// Its name on the command line.
    pub name: String,
    /// Values by dotted key.
    pub params: BTreeMap<String, Value>,
    /// Results.
    pub made: StateResults,
}

impl State {
    /// The current state.
    #[must_use]
    pub fn current(workspace: &Workspace) -> Self {
        State {
            name: WORKSPACE.to_owned(),
            params: workspace.workflow.params.leaves(),
            made: workspace.results(),
        }
    }

    /// The committed state `name`, a revision of git, with the params files that were committed with it; none if there is
    /// no such revision.
    ///
    /// # Errors
    /// Its params or its lock cannot be read.
    pub fn revision(workspace: &Workspace, name: &str, files: &[PathBuf]) -> Result<Option<Self>> {
        let Some(revision) = Revision::find(&workspace.workflow.root, name) else {
            return Ok(None);
        };
        Ok(Some(State {
            name: name.to_owned(),
            params: revision.params(files)?.leaves(),
            made: StateResults {
                lock: revision.lock()?,
                folder: None,
            },
        }))
    }
}

/// Reads the workspace at `root` for the state `name` beside the current one.
///
/// # Errors
/// As [`Workspace::open`], or a command writes an output without asking where.
pub fn open(root: PathBuf, overrides: &Overrides, name: &Path) -> Result<Workspace> {
    let folder = Path::new(FOLDER).join(name);
    let workspace = Workspace::open_in(root, overrides, Access::Write, folder)?;
    for instance in &workspace.workflow.graph.instances {
        if let Some(output) = instance.written_in_place().first() {
            return Err(Error::WritesInPlace {
                stage: instance.name.clone(),
                output: output.clone(),
            });
        }
    }
    fs_err::create_dir_all(workspace.workflow.state_root())?;
    Ok(workspace)
}

/// Removes the state `name` beside the current one, once no repro is at work.
///
/// # Errors
/// Its folder cannot be removed, or a signal to stop came.
pub fn remove(workspace: &mut Workspace, name: &Path, events: &mut dyn Events) -> Result<()> {
    let interrupts = Interrupts::catch()?;
    let _lock = workspace.acquire(&interrupts, events)?;
    let folder = workspace.workflow.root.join(FOLDER).join(name);
    Ok(store::remove_path(&folder)?)
}
