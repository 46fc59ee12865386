//! States of the workspace that have a name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ledger::revision::Revision;
use ledger::states::StateResults;
use runner::Workspace;
use serde_json::Value;

use crate::error::Result;

/// The name of the current state.
pub const WORKSPACE: &str = "workspace";

/// A state with its name.
#[derive(Debug)]
pub struct State {
    /// The name that a person types.
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

    /// The committed state that git calls `name`, with the params files that were committed with it; none if git knows
    /// no such.
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
