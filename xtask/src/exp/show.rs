//! The experiments beside the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use pipeline::ledger::metrics::Metrics;
use pipeline::ledger::runs::State as StageState;
use pipeline::ledger::states::StateResults;
use pipeline::status;
use pipeline::workspace::{Access, Workspace};
use serde_json::{Value, json};
use workflow::graph::Reach;
use workflow::params::Overrides;

use super::column::{Column, Row, columns, named, order};
use super::filter::Filter;
use super::record::{self, folder_name};
use super::value;
use crate::compare::{self, WORKSPACE};
use crate::{cli, print, table};

/// Metrics that are shown where nobody says which.
const SHOWN: usize = 8;

pub(super) fn show(root: &Path, arguments: &cli::ExpShow) -> anyhow::Result<()> {
    let overrides = Overrides {
        files: arguments.params.files.clone(),
        settings: arguments.params.settings.clone(),
    };
    let mut workspace = Workspace::open(root.to_owned(), &overrides, Access::Write)?;
    let (mut rows, metrics) = rows(&mut workspace, arguments)?;
    let columns = columns(&rows, &metrics);
    for filter in &arguments.filters {
        let filter = Filter::read(filter, &columns)?;
        let mut is_first = true;
        rows.retain(|row| std::mem::take(&mut is_first) || filter.is_true_of(row));
    }
    if let Some(sort) = &arguments.sort {
        let column = named(sort, &columns)?;
        rows[1..].sort_by(|a, b| order(&column.value(a), &column.value(b), arguments.reverse));
    }
    if arguments.json {
        return print::json(&rows.iter().map(to_json).collect::<Vec<_>>());
    }
    if let Some(file) = &arguments.parquet {
        let file = std::path::absolute(file)?;
        return Ok(pipeline::tables::write(
            &mut workspace,
            &file,
            to_table(&columns, &rows),
        )?);
    }
    print_table(&columns, &rows, &metrics, &arguments.metrics)
}

/// The workspace, revisions and experiments, with the metrics of each.
fn rows(
    workspace: &mut Workspace,
    arguments: &cli::ExpShow,
) -> anyhow::Result<(Vec<Row>, Vec<Metrics>)> {
    let mut rows = vec![Row {
        name: WORKSPACE.to_owned(),
        state: state(workspace)?,
        set: BTreeSet::new(),
        params: workspace.workflow.params.leaves(),
        metrics: BTreeMap::new(),
    }];
    let mut made: Vec<StateResults> = vec![workspace.results()];
    for name in &arguments.revisions {
        let found = compare::find_revision(workspace, name, &arguments.params.files)?;
        let found = found.with_context(|| format!("git knows no revision `{name}`"))?;
        made.push(found.made);
        rows.push(Row {
            name: found.name,
            state: "committed".to_owned(),
            set: BTreeSet::new(),
            params: found.params,
            metrics: BTreeMap::new(),
        });
    }
    for experiment in record::all(&workspace.workflow.root)? {
        made.push(StateResults::load(
            &workspace.workflow.root,
            &folder_name(&experiment.name),
        )?);
        rows.push(Row {
            set: experiment.set_keys(),
            name: experiment.name,
            state: experiment.state.name().to_owned(),
            params: experiment.params,
            metrics: BTreeMap::new(),
        });
    }
    let metrics = pipeline::tables::metrics(workspace, &made)?;
    for (row, metrics) in rows.iter_mut().zip(&metrics) {
        row.metrics = compare::by_name(metrics);
        compare::tell_faults(&row.name, metrics);
    }
    Ok((rows, metrics))
}

/// Whether the workspace's results are those of its parameters.
fn state(workspace: &mut Workspace) -> anyhow::Result<String> {
    let selection =
        workspace
            .workflow
            .graph
            .select(&workspace.workflow.root, &[], Reach::Upstream)?;
    let outcomes = status::outcomes(workspace, &selection, false)?;
    let is_done = |state| matches!(state, StageState::UpToDate | StageState::Frozen);
    let is_changed = outcomes.iter().any(|outcome| !is_done(outcome.state));
    Ok(if is_changed { "changed" } else { "up to date" }.to_owned())
}

fn to_json(row: &Row) -> Value {
    let params = row.params.iter().map(|(key, text)| (key, value(text)));
    json!({
        "name": row.name,
        "state": row.state,
        "params": params.collect::<BTreeMap<_, _>>(),
        "metrics": row.metrics,
    })
}

fn to_table(columns: &[Column], rows: &[Row]) -> Vec<(String, Vec<Value>)> {
    let columns = columns.iter().map(|column| {
        let values = rows.iter().map(|row| column.value(row).unwrap_or_default());
        (column.full_name().to_owned(), values.collect())
    });
    columns.collect()
}

fn print_table(
    columns: &[Column],
    rows: &[Row],
    metrics: &[Metrics],
    patterns: &[String],
) -> anyhow::Result<()> {
    let params = columns.iter().filter(|column| is_of_interest(column, rows));
    let wanted = columns.iter().filter(|column| match column {
        Column::Metric(name) => patterns.is_empty() || compare::is_meant(patterns, name),
        _ => false,
    });
    let mut wanted: Vec<&Column> = wanted.collect();
    let most = if patterns.is_empty() {
        SHOWN
    } else {
        wanted.len()
    };
    let n_more = wanted.len().saturating_sub(most);
    wanted.truncate(most);
    let shown: Vec<&Column> = [&Column::Name]
        .into_iter()
        .chain(params)
        .chain(wanted)
        .chain([&Column::State])
        .collect();
    let titles = titles(metrics);
    let header = shown.iter().map(|column| match column {
        Column::Metric(name) => titles[name].clone(),
        column => column.full_name().to_owned(),
    });
    let header: Vec<String> = header.collect();
    let cells = |row| shown.iter().map(|column| column.text(row)).collect();
    let lines: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let mut text = table::table(&header, &lines);
    if n_more > 0 {
        text.push_str(&format!(
            "and {n_more} more metrics: `--metric '*'` shows all, `--metric NAME` those of a name\n"
        ));
    }
    print::text(&text)
}

/// Whether a column is one of a parameter that an experiment set, or in which experiments differ. How the workspace differs
/// from all of them, `exp diff` tells.
fn is_of_interest(column: &Column, rows: &[Row]) -> bool {
    let Column::Param(key) = column else {
        return false;
    };
    let experiments = rows.get(1..).unwrap_or_default();
    let first = experiments.first().and_then(|row| row.params.get(key));
    let is_set = |row: &Row| row.set.contains(key);
    experiments
        .iter()
        .any(|row| is_set(row) || row.params.get(key) != first)
}

/// How metrics are called above their columns: by their names in the file, where no other file has the same.
fn titles(metrics: &[Metrics]) -> BTreeMap<String, String> {
    let all = || metrics.iter().flat_map(|metrics| &metrics.values);
    let mut outputs: BTreeMap<&str, &str> = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for metric in all() {
        let other = outputs.insert(&metric.name, &metric.output);
        if other.is_some_and(|other| other != metric.output) || metric.name.is_empty() {
            shared.insert(metric.name.as_str());
        }
    }
    let titles = all().map(|metric| {
        let is_shared = shared.contains(metric.name.as_str());
        let title = if is_shared {
            metric.full_name()
        } else {
            metric.name.clone()
        };
        (metric.full_name(), title)
    });
    titles.collect()
}
