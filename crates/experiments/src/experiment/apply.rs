//! Making an experiment the current state, and removing it.

use std::path::{Path, PathBuf};

use ledger::states::StateResults;
use runner::Workspace;
use runner::checkout;
use runner::events::{Events, Outcome};
use runner::workspace::Access;
use serde_json::Value;
use workflow::json::canonical;
use workflow::params::{self, Overrides, Params};

use super::record::{self, Experiment, Status, folder_name};
use crate::error::{Error, Result};
use crate::{params_file, state};

/// An application whose parameters are written, and whose results are yet to be restored.
#[derive(Debug)]
pub struct Application {
    /// The keys of values that are no longer parameters.
    pub left_out: Vec<String>,
    /// The file that was written, from the workspace root.
    pub file: PathBuf,
    /// Keys and values that it didn't have before.
    pub written: Vec<(String, Value)>,
    root: PathBuf,
    overrides: Overrides,
    made: StateResults,
}

/// Writes the parameters of a complete experiment where the next repro reads them: into the last of its params files, else
/// into the file of those that hold by default.
///
/// # Errors
/// There is no such experiment, it isn't complete, or a file cannot be read or written.
pub fn apply(root: &Path, name: &str) -> Result<Application> {
    let experiment = Experiment::load(root, name)?;
    if experiment.state != Status::Complete {
        return Err(Error::Incomplete {
            name: name.to_owned(),
            state: experiment.state.name(),
        });
    }
    let overrides = Overrides {
        settings: Vec::new(),
        ..experiment.overrides(root)
    };
    let workspace = Workspace::open(root.to_owned(), &overrides, Access::Read)?;
    let made = StateResults::load(&workspace.workflow.root, &folder_name(name))?;
    let (written, left_out) = changes(&workspace.workflow.params, &experiment);
    let file = experiment.files.last().cloned();
    let file =
        file.unwrap_or_else(|| params::current_file(&workspace.workflow.declaration).to_owned());
    if !written.is_empty() {
        let values = written
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()));
        params_file::write(&root.join(&file), &file.display().to_string(), values)?;
    }
    Ok(Application {
        left_out,
        file,
        written,
        root: root.to_owned(),
        overrides,
        made,
    })
}

impl Application {
    /// Puts the experiment's results in place.
    ///
    /// # Errors
    /// The workspace cannot be opened, or a result cannot be restored.
    pub fn take_results(self, events: &mut dyn Events) -> Result<Vec<Outcome>> {
        let mut workspace = Workspace::open(self.root, &self.overrides, Access::Write)?;
        Ok(checkout::take_state(&mut workspace, self.made, events)?)
    }
}

/// The values of an experiment that differ from the current ones, and the keys of those that are no longer parameters.
fn changes(current: &Params, experiment: &Experiment) -> (Vec<(String, Value)>, Vec<String>) {
    let leaves = current.leaves();
    // As text, 0 and -0 differ, as they do in keys.
    let changed = experiment
        .params
        .iter()
        .filter(|(key, value)| leaves.get(*key).map(canonical) != Some(canonical(value)));
    let (written, left_out): (Vec<_>, Vec<_>) =
        changed.partition(|(key, _)| current.get(key).is_some() || is_free(current, key));
    let written = written.into_iter();
    let left_out = left_out.into_iter().map(|(key, _)| key.clone());
    (
        written
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        left_out.collect(),
    )
}

/// Returns whether `key` is one of a table whose keys the user chooses.
fn is_free(params: &Params, key: &str) -> bool {
    let table = key
        .rsplit_once('.')
        .and_then(|(table, _)| params.get(table));
    let table = table.and_then(Value::as_object);
    table.is_some_and(|table| table.is_empty())
}

/// The experiments to remove: those that are named, or all.
///
/// # Errors
/// One that is named doesn't exist.
pub fn to_remove(root: &Path, names: &[String], is_all: bool) -> Result<Vec<String>> {
    let known = record::names(root)?;
    if is_all {
        return Ok(known);
    }
    for name in names {
        if !known.contains(name) {
            return Err(Error::UnknownExperiment {
                name: name.clone(),
                hint: record::hint(root, name)?,
            });
        }
    }
    Ok(names.to_vec())
}

/// Removes an experiment, once no repro is at work. Its results stay in the cache.
///
/// # Errors
/// Its folder cannot be removed, or a signal asks to stop.
pub fn remove(workspace: &mut Workspace, name: &str, events: &mut dyn Events) -> Result<()> {
    state::remove(workspace, &folder_name(name), events)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use workflow::declaration::Declaration;

    use super::*;

    #[test]
    fn changed_values_are_written_and_keys_that_are_gone_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs_err::write(root.join("pipeline.toml"), "").unwrap();
        let params = "[train]\nlr = 0.1\nepochs = 3\n[authors]\n";
        fs_err::write(root.join("params.toml"), params).unwrap();
        let config = Declaration::load(root).unwrap();
        let current = Params::load(root, &config, &Overrides::default()).unwrap();
        let values = [
            ("train.lr", json!(0.2)),
            ("train.epochs", json!(3)),
            ("train.old", json!(1)),
            ("authors.anna", json!("b")),
        ];
        let experiment = Experiment {
            name: "a".to_owned(),
            state: Status::Complete,
            settings: Vec::new(),
            files: Vec::new(),
            targets: Vec::new(),
            params: { values.into_iter() }
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
            since_ms: 1,
        };
        let (written, left_out) = changes(&current, &experiment);
        let expected = [("authors.anna", json!("b")), ("train.lr", json!(0.2))];
        assert_eq!(
            written,
            expected.map(|(key, value)| (key.to_owned(), value))
        );
        assert_eq!(left_out, ["train.old"]);
    }
}
