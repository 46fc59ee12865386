//! Experiments: runs of the pipeline with other parameters, beside the current state.

mod column;
mod filter;
mod name;
mod record;
mod run;
mod show;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use pipeline::checkout;
use pipeline::ledger::runs::State as StageState;
use pipeline::ledger::states::StateResults;
use pipeline::params_file;
use pipeline::workspace::{Access, Workspace, find_root};
use serde_json::Value;
use workflow::params::{self, Overrides, Params};

use crate::compare::{self, What};
use crate::live::Live;
use crate::{cli, print, table};

pub(crate) use record::{Experiment, State, folder_name, hint};

pub(crate) fn run(command: cli::Exp) -> anyhow::Result<ExitCode> {
    let root = root()?;
    match command {
        cli::Exp::Run(arguments) => return run::run(&root, &arguments),
        cli::Exp::Show(arguments) => show::show(&root, &arguments)?,
        cli::Exp::Diff(arguments) => compare::compare(&arguments, &[What::Params, What::Metrics])?,
        cli::Exp::Apply { experiment } => return apply(&root, &experiment),
        cli::Exp::Remove { experiments, all } => remove(&root, &experiments, all)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn root() -> anyhow::Result<PathBuf> {
    let here = env::current_dir().context("cannot tell the current folder")?;
    Ok(find_root(&here)?)
}

/// The names of all experiments.
pub(crate) fn names() -> anyhow::Result<Vec<String>> {
    record::names(&root()?)
}

/// Writes the parameters of an experiment where the next repro reads them, and puts its results in place.
fn apply(root: &Path, name: &str) -> anyhow::Result<ExitCode> {
    let experiment = Experiment::load(root, name)?;
    let state = experiment.state;
    ensure!(
        state == State::Complete,
        "experiment `{name}` is {}, not complete",
        state.name()
    );
    let overrides = Overrides {
        files: experiment.params_files(root),
        settings: Vec::new(),
    };
    let workspace = Workspace::open(root.to_owned(), &overrides, Access::Read)?;
    let made = StateResults::load(&workspace.workflow.root, &folder_name(name))?;
    write_params(&workspace, &experiment)?;
    let mut workspace = Workspace::open(root.to_owned(), &overrides, Access::Write)?;
    let mut live = Live::new(false, false);
    let outcomes = checkout::take_state(&mut workspace, made, &mut live);
    live.end();
    let outcomes = outcomes?;
    print::outlook(&outcomes)?;
    let has_failed = { outcomes.iter() }.any(|outcome| outcome.state == StageState::Failed);
    Ok(ExitCode::from(u8::from(has_failed)))
}

/// Writes what differs from the experiment's parameters into the last of its params files, else into the file of those
/// that hold by default.
fn write_params(workspace: &Workspace, experiment: &Experiment) -> anyhow::Result<()> {
    let current = &workspace.workflow.params;
    let leaves = current.leaves();
    let mut values: Vec<(&str, Value)> = Vec::new();
    for (key, text) in &experiment.params {
        if leaves.get(key) == Some(text) {
            continue;
        }
        if current.get(key).is_none() && !is_free(current, key) {
            print::text(&format!("{key} is no longer a parameter, and left out\n"))?;
            continue;
        }
        values.push((key, value(text)));
    }
    let file = experiment.files.last().cloned();
    let file =
        file.unwrap_or_else(|| params::current_file(&workspace.workflow.declaration).to_owned());
    let written = values.iter().map(|(key, value)| format!("{key} {value}"));
    let written: Vec<String> = written.collect();
    if written.is_empty() {
        return Ok(());
    }
    let shown = file.display().to_string();
    params_file::write(&workspace.workflow.root.join(&file), &shown, values)?;
    print::text(&format!("{shown}: {}\n", written.join(", ")))
}

/// Whether `key` is one of a table whose keys are the user's to invent.
fn is_free(params: &Params, key: &str) -> bool {
    let table = key
        .rsplit_once('.')
        .and_then(|(table, _)| params.get(table));
    let table = table.and_then(Value::as_object);
    table.is_some_and(|table| table.is_empty())
}

/// A value that is noted as JSON, as exactly as TOML reads it. A table within a list has another form there.
pub(crate) fn value(text: &str) -> Value {
    let exact = params::read_values(text).and_then(|mut values| values.pop());
    exact
        .or_else(|| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn remove(root: &Path, experiments: &[String], all: bool) -> anyhow::Result<()> {
    let known = record::names(root)?;
    let names = if all { &known } else { experiments };
    for name in names {
        if !known.contains(name) {
            bail!("there is no experiment `{name}`{}", hint(root, name)?);
        }
    }
    let mut workspace = Workspace::open(root.to_owned(), &Overrides::default(), Access::Write)?;
    for name in names {
        let mut live = Live::new(false, false);
        workspace.remove_aside(&folder_name(name), &mut live)?;
        live.end();
        print::text(&format!("{name} removed\n"))?;
    }
    if names.is_empty() {
        print::text("there is no experiment\n")?;
    }
    Ok(())
}

/// `train.lr 0.001, model.resnet 34`: the parameters in which `params` differ from those of the workspace.
fn changes(experiment: &Experiment, current: &Params) -> String {
    let current = current.leaves();
    let changed = experiment.params.iter();
    let changed = changed.filter(|(key, value)| current.get(*key) != Some(value));
    let texts = changed.map(|(key, value)| format!("{key} {}", table::value(value)));
    texts.collect::<Vec<_>>().join(", ")
}
