//! Experiments: running, listing, applying and removing them.

use std::path::Path;
use std::process::ExitCode;

use ::experiments::comparison::What;
use ::experiments::experiment::columns::{Column, Row};
use ::experiments::experiment::record::{self, Experiment, Status};
use ::experiments::experiment::run::{ExperimentOutcome, Request};
use ::experiments::experiment::table::Table;
use ::experiments::experiment::{apply, run};
use runner::execute::Options;
use runner::workspace::{Access, Workspace};
use serde_json::Value;
use workflow::params::Overrides;

use crate::arguments::experiments::{Exp, ExpRun, ExpShow};
use crate::progress::{self, Live};
use crate::workspace::{open, root};
use crate::{comparison, failure, print, table};

pub(crate) fn run(command: Exp) -> anyhow::Result<ExitCode> {
    let root = root()?;
    match command {
        Exp::Run(arguments) => return run_all(&root, &arguments),
        Exp::Show(arguments) => show(&arguments)?,
        Exp::Diff(arguments) => comparison::compare(&arguments, &[What::Params, What::Metrics])?,
        Exp::Apply { experiment } => return apply(&root, &experiment),
        Exp::Remove { experiments, all } => remove(&root, &experiments, all)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The names of all experiments.
pub(crate) fn names() -> anyhow::Result<Vec<String>> {
    Ok(record::names(&root()?)?)
}

/// Runs one experiment after the other. A failed one doesn't stop the others.
fn run_all(root: &Path, arguments: &ExpRun) -> anyhow::Result<ExitCode> {
    let request = Request {
        targets: arguments.targets.clone(),
        files: arguments.params.files.clone(),
        settings: arguments.params.settings.clone(),
        grids: arguments.grids.clone(),
        name: arguments.name.clone(),
    };
    let mut has_failed = false;
    for planned in run::plan(root, &request)? {
        if arguments.dry_run || !arguments.quiet {
            let changes = settings(planned.changes.iter());
            print::text(&format!("{}  {changes}\n", planned.experiment.name))?;
        }
        if arguments.dry_run {
            continue;
        }
        let ended = run_one(root, planned.experiment, arguments)?;
        if let Some(failure) = &ended.failure {
            print::error(&failure.to_string());
        }
        has_failed |= ended.state == Status::Failed;
        if !arguments.quiet {
            print::text(&format!("  {}\n", ended.state.name()))?;
        }
    }
    Ok(ExitCode::from(u8::from(has_failed)))
}

fn run_one(
    root: &Path,
    experiment: Experiment,
    arguments: &ExpRun,
) -> anyhow::Result<ExperimentOutcome> {
    let options = Options {
        jobs: arguments.jobs,
        sandbox: arguments.confine.sandbox(),
        ..Options::default()
    };
    let mut repro = progress::shown(arguments.quiet);
    Ok(run::run(root, experiment, options, &mut repro)?)
}

/// `train.lr 0.001, model.resnet 34`.
fn settings<'a>(values: impl Iterator<Item = (&'a String, &'a Value)>) -> String {
    let texts = values.map(|(key, value)| format!("{key} {}", table::value(value)));
    texts.collect::<Vec<_>>().join(", ")
}

/// Lists the workspace, revisions and experiments.
fn show(arguments: &ExpShow) -> anyhow::Result<()> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let files = &arguments.params.files;
    let mut table = Table::read(&mut workspace, &arguments.revisions, files)?;
    for remark in &table.remarks {
        print::warning(remark);
    }
    table.filter(&arguments.filters)?;
    if let Some(column) = &arguments.sort {
        table.sort(column, arguments.reverse)?;
    }
    if arguments.json {
        return print::json(&table.to_json());
    }
    if let Some(file) = &arguments.parquet {
        let file = std::path::absolute(file)?;
        return Ok(runner::tables::write(
            &mut workspace,
            &file,
            table.to_columns(),
        )?);
    }
    print_table(&table, &arguments.metrics)
}

fn print_table(table: &Table, patterns: &[String]) -> anyhow::Result<()> {
    let shown = table.shown(patterns);
    let header = shown.columns.iter().map(|(_, title)| (*title).to_owned());
    let header: Vec<String> = header.collect();
    let cells = |row| {
        let columns = shown.columns.iter();
        columns.map(|(column, _)| cell(column, row)).collect()
    };
    let lines: Vec<Vec<String>> = table.rows.iter().map(cells).collect();
    let mut text = table::table(&header, &lines);
    if shown.n_more > 0 {
        text.push_str(&format!(
            "and {} more metrics: `--metric '*'` shows all, `--metric NAME` those of a name\n",
            shown.n_more
        ));
    }
    print::text(&text)
}

fn cell(column: &Column, row: &Row) -> String {
    let text = match column {
        Column::Name => Some(row.name.clone()),
        Column::State => Some(row.state.clone()),
        Column::Param(key) => row.params.get(key).map(table::value),
        Column::Metric(name) => row.metrics.get(name).copied().map(table::number),
    };
    text.unwrap_or_else(|| table::NONE.to_owned())
}

/// Writes the parameters of an experiment where the next repro reads them, and puts its results in place.
fn apply(root: &Path, name: &str) -> anyhow::Result<ExitCode> {
    let applied = apply::apply(root, name)?;
    for key in &applied.left_out {
        print::text(&format!("{key} is no longer a parameter, and left out\n"))?;
    }
    if !applied.written.is_empty() {
        let written = applied.written.iter();
        let written = written.map(|(key, value)| format!("{key} {value}"));
        let written: Vec<String> = written.collect();
        let file = applied.file.display();
        print::text(&format!("{file}: {}\n", written.join(", ")))?;
    }
    let mut live = Live::new(false, false);
    let outcomes = applied.take_results(&mut live);
    live.end();
    let outcomes = outcomes?;
    print::outlook(&outcomes)?;
    Ok(failure::of_outcomes(&outcomes))
}

fn remove(root: &Path, names: &[String], is_all: bool) -> anyhow::Result<()> {
    let names = apply::to_remove(root, names, is_all)?;
    let mut workspace = Workspace::open(root.to_owned(), &Overrides::default(), Access::Write)?;
    for name in &names {
        let mut live = Live::new(false, false);
        apply::remove(&mut workspace, name, &mut live)?;
        live.end();
        print::text(&format!("{name} removed\n"))?;
    }
    if names.is_empty() {
        print::text("there is no experiment\n")?;
    }
    Ok(())
}
