//! Taking things as they are: outputs from the cache, results without a run, sources.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ledger::sources::SourceState;
use runner::accept::{self, Accept};
use runner::checkout;
use runner::workspace::Access;
use workflow::graph::Reach;

use crate::arguments::common::{Params, Select};
use crate::progress::Live;
use crate::workspace::{current_folder, open, select};
use crate::{failure, print};

/// Restores outputs and sources as they were recorded.
pub(crate) fn checkout(arguments: Select) -> anyhow::Result<ExitCode> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let states = workspace.sources().states()?;
    let is_source = |target: &String| states.iter().any(|(path, _)| path == target);
    let (sources, stages): (Vec<String>, Vec<String>) =
        arguments.targets.iter().cloned().partition(is_source);
    let is_all = arguments.targets.is_empty();
    for (path, state) in &states {
        match state {
            _ if !is_all && !sources.contains(path) => {}
            SourceState::Unchanged => {}
            SourceState::Missing => {
                workspace.sources().restore(path)?;
                note(&arguments, &format!("{path} restored\n"))?;
            }
            SourceState::Changed => note(
                &arguments,
                &format!("{path} is not what it was when it was added, and stays as it is\n"),
            )?,
        }
    }
    if stages.is_empty() && !is_all {
        return Ok(ExitCode::SUCCESS);
    }
    let selection = select(&workspace, &stages, Reach::Single)?;
    let mut live = Live::new(false, arguments.json);
    let outcomes = checkout::checkout(&mut workspace, &selection, &mut live);
    live.end();
    let outcomes = outcomes?;
    if arguments.json {
        print::json(&outcomes)?;
    } else {
        print::outlook(&outcomes)?;
    }
    Ok(failure::of_outcomes(&outcomes))
}

fn note(arguments: &Select, text: &str) -> anyhow::Result<()> {
    if arguments.json {
        return Ok(());
    }
    print::text(text)
}

/// Accepts present outputs as results.
pub(crate) fn accept(arguments: &Select, accept: Accept) -> anyhow::Result<()> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let selection = select(&workspace, &arguments.targets, Reach::Single)?;
    let mut live = Live::new(false, arguments.json);
    let outcomes = accept::accept(&mut workspace, &selection, accept, &mut live);
    live.end();
    let outcomes = outcomes?;
    if arguments.json {
        return print::json(&outcomes);
    }
    print::outlook(&outcomes)
}

/// Writes into `pipeline.toml` whether stages are frozen.
pub(crate) fn freeze(stages: &[String], is_frozen: bool) -> anyhow::Result<()> {
    let workspace = open(&Params::default(), Access::Write)?;
    let changed = runner::freeze::freeze(&workspace.workflow, stages, is_frozen)?;
    let what = if is_frozen {
        "frozen"
    } else {
        "no longer frozen"
    };
    if changed.is_empty() {
        return print::text("nothing to change\n");
    }
    print::text(&format!("{what}: {}\n", changed.join(", ")))
}

/// Keeps sources in the cache.
pub(crate) fn add(paths: &[PathBuf]) -> anyhow::Result<()> {
    let mut workspace = open(&Params::default(), Access::Write)?;
    for path in paths {
        let digest = workspace.sources().add(&absolute(path)?)?;
        print::text(&format!("{} is kept as {digest}\n", path.display()))?;
    }
    Ok(())
}

/// Fetches a source and keeps it.
pub(crate) fn import(from: &str, to: &Path, sha256: Option<&str>) -> anyhow::Result<()> {
    let mut workspace = open(&Params::default(), Access::Write)?;
    let digest = workspace.sources().import(from, &absolute(to)?, sha256)?;
    print::text(&format!("{} is kept as {digest}\n", to.display()))
}

/// A path as typed, from the file system's root.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    Ok(fs_err::canonicalize(current_folder()?)?.join(path))
}
