//! The experiments beside the workspace.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, bail};
use pipeline::events::State as StageState;
use pipeline::graph::Reach;
use pipeline::metrics::{Made, Metrics};
use pipeline::params::Overrides;
use pipeline::workspace::{Access, Workspace};
use serde_json::{Value, json};

use super::record::{self, folder_name};
use super::value;
use crate::compare::{self, WORKSPACE};
use crate::{cli, print, table};

/// Metrics that are shown where nobody says which.
const SHOWN: usize = 8;

/// A state, with all that is known of it.
struct Row {
    name: String,
    state: String,
    /// Dotted keys with values as JSON.
    params: BTreeMap<String, String>,
    /// By full name.
    metrics: BTreeMap<String, f64>,
}

/// What stands below each other.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Name,
    State,
    Param(String),
    Metric(String),
}

impl Column {
    fn full_name(&self) -> &str {
        match self {
            Column::Name => "name",
            Column::State => "state",
            Column::Param(name) | Column::Metric(name) => name,
        }
    }

    /// The value in a row, if there is one.
    fn value(&self, row: &Row) -> Option<Value> {
        match self {
            Column::Name => Some(row.name.as_str().into()),
            Column::State => Some(row.state.as_str().into()),
            Column::Param(key) => row.params.get(key).map(|text| value(text)),
            Column::Metric(name) => row.metrics.get(name).copied().map(Value::from),
        }
    }

    fn text(&self, row: &Row) -> String {
        match self {
            Column::Name => Some(row.name.clone()),
            Column::State => Some(row.state.clone()),
            Column::Param(key) => row.params.get(key).map(|text| table::value(text)),
            Column::Metric(name) => row.metrics.get(name).copied().map(table::number),
        }
        .unwrap_or_else(|| table::NONE.to_owned())
    }
}

pub(super) fn show(root: &Path, arguments: &cli::ExpShow) -> anyhow::Result<()> {
    let overrides = Overrides {
        files: arguments.params.files.clone(),
        settings: arguments.params.settings.clone(),
    };
    let mut workspace = Workspace::open(root.to_owned(), &overrides, Access::Write)?;
    let (mut rows, metrics) = rows(&mut workspace)?;
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
        return Ok(workspace.write_table(&file, &to_table(&columns, &rows))?);
    }
    print_table(&columns, &rows, &metrics, &arguments.metrics)
}

/// The workspace and the experiments, with the metrics of each.
fn rows(workspace: &mut Workspace) -> anyhow::Result<(Vec<Row>, Vec<Metrics>)> {
    let experiments = record::all(&workspace.root)?;
    let mut made: Vec<Made> = vec![workspace.made_here()];
    for experiment in &experiments {
        made.push(workspace.made_aside(&folder_name(&experiment.name))?);
    }
    let metrics = workspace.metrics(&made)?;
    let mut rows = vec![Row {
        name: WORKSPACE.to_owned(),
        state: state(workspace)?,
        params: workspace.params.leaves(),
        metrics: compare::by_name(&metrics[0]),
    }];
    for (experiment, metrics) in experiments.into_iter().zip(&metrics[1..]) {
        rows.push(Row {
            name: experiment.name,
            state: experiment.state.name().to_owned(),
            params: experiment.params,
            metrics: compare::by_name(metrics),
        });
    }
    for (row, metrics) in rows.iter().zip(&metrics) {
        compare::tell_faults(&row.name, metrics);
    }
    Ok((rows, metrics))
}

/// Whether the workspace's results are those of its parameters.
fn state(workspace: &mut Workspace) -> anyhow::Result<String> {
    let selection = workspace
        .graph
        .select(&workspace.root, &[], Reach::Upstream)?;
    let outcomes = workspace.outlook(&selection, false)?;
    let is_done = |state| matches!(state, StageState::UpToDate | StageState::Frozen);
    let is_changed = outcomes.iter().any(|outcome| !is_done(outcome.state));
    Ok(if is_changed { "changed" } else { "up to date" }.to_owned())
}

/// All columns: parameters in which a row differs from the workspace, then metrics.
fn columns(rows: &[Row], metrics: &[Metrics]) -> Vec<Column> {
    let keys = rows.iter().flat_map(|row| row.params.keys());
    let mut keys: Vec<&String> = keys.collect();
    keys.sort();
    keys.dedup();
    let differs = |key: &&String| {
        let first = rows.first().and_then(|row| row.params.get(*key));
        rows.iter().any(|row| row.params.get(*key) != first)
    };
    let params = keys.into_iter().filter(differs).cloned().map(Column::Param);
    let metrics = compare::names(metrics).into_iter().map(Column::Metric);
    [Column::Name, Column::State]
        .into_iter()
        .chain(params)
        .chain(metrics)
        .collect()
}

/// The column that a person calls `name`, by its whole name or by the end of it.
fn named<'c>(name: &str, columns: &'c [Column]) -> anyhow::Result<&'c Column> {
    if let Some(column) = columns.iter().find(|column| column.full_name() == name) {
        return Ok(column);
    }
    let end = format!(".{name}");
    let found = columns.iter();
    let found: Vec<&Column> = found
        .filter(|column| column.full_name().ends_with(&end))
        .collect();
    match found.as_slice() {
        [column] => Ok(column),
        [] => {
            let names = columns.iter().map(Column::full_name);
            let hint = pipeline::nearest::hint(name, names);
            bail!("there is no column `{name}`{hint}")
        }
        several => {
            let names: Vec<&str> = several.iter().map(|column| column.full_name()).collect();
            bail!("`{name}` can be `{}`", names.join("`, `"))
        }
    }
}

/// Numbers by size, other values by their text, nothing at the end.
fn order(a: &Option<Value>, b: &Option<Value>, is_reverse: bool) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else {
        return b.is_some().cmp(&a.is_some());
    };
    let order = match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => plain(a).cmp(&plain(b)),
    };
    if is_reverse { order.reverse() } else { order }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// What must be true of an experiment: `val.f1>0.8`.
struct Filter<'c> {
    column: &'c Column,
    operator: &'static str,
    value: String,
}

impl<'c> Filter<'c> {
    fn read(text: &str, columns: &'c [Column]) -> anyhow::Result<Self> {
        // The longer ones first: `>=` begins with `>`.
        const OPERATORS: [&str; 7] = [">=", "<=", "==", "!=", ">", "<", "="];
        let at = text.find(['<', '>', '=', '!']);
        let split = at.and_then(|at| {
            let mut operators = OPERATORS.into_iter();
            let operator = operators.find(|operator| text[at..].starts_with(operator))?;
            Some((&text[..at], operator, &text[at + operator.len()..]))
        });
        let (column, operator, value) = split.with_context(|| {
            format!("cannot read `--filter {text}`: expected a column, one of `>`, `>=`, `<`, `<=`, `==` and `!=`, and a value")
        })?;
        Ok(Filter {
            column: named(column.trim(), columns)?,
            operator,
            value: value.trim().trim_matches(['"', '\'']).to_owned(),
        })
    }

    /// Of what has no value, nothing is true.
    fn is_true_of(&self, row: &Row) -> bool {
        let Some(value) = self.column.value(row) else {
            return false;
        };
        let order = match (value.as_f64(), self.value.parse::<f64>()) {
            (Some(value), Ok(bound)) => value.partial_cmp(&bound),
            _ => Some(plain(&value).as_str().cmp(&self.value)),
        };
        match self.operator {
            ">" => order == Some(Ordering::Greater),
            "<" => order == Some(Ordering::Less),
            ">=" => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            "!=" => order != Some(Ordering::Equal),
            _ => order == Some(Ordering::Equal),
        }
    }
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
    let (metric_columns, others): (Vec<&Column>, Vec<&Column>) = columns
        .iter()
        .partition(|column| matches!(column, Column::Metric(_)));
    let wanted = metric_columns.iter();
    let mut wanted: Vec<&Column> = wanted
        .filter(|column| patterns.is_empty() || compare::is_meant(patterns, column.full_name()))
        .copied()
        .collect();
    let n_more = if patterns.is_empty() {
        wanted.len().saturating_sub(SHOWN)
    } else {
        0
    };
    wanted.truncate(wanted.len() - n_more);
    let titles = titles(metrics);
    let (state, params) = (&others[1], &others[2..]);
    let shown: Vec<&Column> = { [others[0]].into_iter() }
        .chain(params.iter().copied())
        .chain(wanted)
        .chain([*state])
        .collect();
    let header = shown.iter().map(|column| match column {
        Column::Metric(name) => titles[name].clone(),
        column => column.full_name().to_owned(),
    });
    let lines = rows
        .iter()
        .map(|row| shown.iter().map(|column| column.text(row)).collect());
    let mut text = table::table(&header.collect::<Vec<_>>(), &lines.collect::<Vec<_>>());
    if n_more > 0 {
        text.push_str(&format!(
            "and {n_more} more metrics: `--metric '*'` shows all, `--metric NAME` those of a name\n"
        ));
    }
    print::text(&text)
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
