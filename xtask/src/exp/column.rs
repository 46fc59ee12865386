//! The columns of the table of experiments.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use pipeline::ledger::metrics::Metrics;
use serde_json::Value;

use super::value;
use crate::{compare, table};

/// A state, with all that is known of it.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) state: String,
    /// The keys of what was set for it.
    pub(super) set: BTreeSet<String>,
    /// Dotted keys with values as JSON.
    pub(super) params: BTreeMap<String, String>,
    /// By full name.
    pub(super) metrics: BTreeMap<String, f64>,
}

/// What stands below each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    State,
    Param(String),
    Metric(String),
}

impl Column {
    pub(super) fn full_name(&self) -> &str {
        match self {
            Column::Name => "name",
            Column::State => "state",
            Column::Param(name) | Column::Metric(name) => name,
        }
    }

    /// The value in a row, if there is one.
    pub(super) fn value(&self, row: &Row) -> Option<Value> {
        match self {
            Column::Name => Some(row.name.as_str().into()),
            Column::State => Some(row.state.as_str().into()),
            Column::Param(key) => row.params.get(key).map(|text| value(text)),
            Column::Metric(name) => row.metrics.get(name).copied().map(Value::from),
        }
    }

    pub(super) fn text(&self, row: &Row) -> String {
        match self {
            Column::Name => Some(row.name.clone()),
            Column::State => Some(row.state.clone()),
            Column::Param(key) => row.params.get(key).map(|text| table::value(text)),
            Column::Metric(name) => row.metrics.get(name).copied().map(table::number),
        }
        .unwrap_or_else(|| table::NONE.to_owned())
    }
}

/// All columns: parameters in which a row differs from the workspace, then metrics.
pub(super) fn columns(rows: &[Row], metrics: &[Metrics]) -> Vec<Column> {
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
pub(super) fn named<'c>(name: &str, columns: &'c [Column]) -> anyhow::Result<&'c Column> {
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
            let hint = nearest_name::hint(name, names);
            bail!("there is no column `{name}`{hint}")
        }
        several => {
            let names: Vec<&str> = several.iter().map(|column| column.full_name()).collect();
            bail!("`{name}` can be `{}`", names.join("`, `"))
        }
    }
}

/// Numbers by size, other values by their text, nothing at the end.
pub(super) fn order(a: &Option<Value>, b: &Option<Value>, is_reverse: bool) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else {
        return b.is_some().cmp(&a.is_some());
    };
    let order = match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => plain(a).cmp(&plain(b)),
    };
    if is_reverse { order.reverse() } else { order }
}

pub(super) fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
