//! The columns of the table of experiments.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use ledger::metrics::Metrics;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::metrics;

/// A row of the table: a state with its params and metrics.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Name of the state.
    pub name: String,
    /// Its state, in words.
    pub state: String,
    /// The keys of its settings.
    pub set: BTreeSet<String>,
    /// Values by dotted key.
    pub params: BTreeMap<String, Value>,
    /// Values by full name.
    pub metrics: BTreeMap<String, f64>,
}

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// Names of the states.
    Name,
    /// Their states.
    State,
    /// A parameter, by dotted key.
    Param(String),
    /// A metric, by full name.
    Metric(String),
}

impl Column {
    /// The name that no other column has.
    #[must_use]
    pub fn full_name(&self) -> &str {
        match self {
            Column::Name => "name",
            Column::State => "state",
            Column::Param(name) | Column::Metric(name) => name,
        }
    }

    /// The value in a row, if there is one.
    #[must_use]
    pub fn value(&self, row: &Row) -> Option<Value> {
        match self {
            Column::Name => Some(row.name.as_str().into()),
            Column::State => Some(row.state.as_str().into()),
            Column::Param(key) => row.params.get(key).cloned(),
            Column::Metric(name) => row.metrics.get(name).copied().map(Value::from),
        }
    }

    /// Whether the column is one of a parameter that an experiment set, or in which experiments differ. The first row is
    /// the workspace, whose difference from all others is left to a comparison.
    #[must_use]
    pub fn is_of_interest(&self, rows: &[Row]) -> bool {
        let Column::Param(key) = self else {
            return false;
        };
        let experiments = rows.get(1..).unwrap_or_default();
        let first = experiments.first().and_then(|row| row.params.get(key));
        let is_set = |row: &Row| row.set.contains(key);
        experiments
            .iter()
            .any(|row| is_set(row) || row.params.get(key) != first)
    }
}

/// All columns: parameters in which a row differs from the workspace, then metrics.
#[must_use]
pub fn columns(rows: &[Row], metrics: &[Metrics]) -> Vec<Column> {
    let keys = rows.iter().flat_map(|row| row.params.keys());
    let mut keys: Vec<&String> = keys.collect();
    keys.sort();
    keys.dedup();
    let differs = |key: &&String| {
        let first = rows.first().and_then(|row| row.params.get(*key));
        rows.iter().any(|row| row.params.get(*key) != first)
    };
    let params = keys.into_iter().filter(differs).cloned().map(Column::Param);
    let metrics = metrics::names(metrics).into_iter().map(Column::Metric);
    [Column::Name, Column::State]
        .into_iter()
        .chain(params)
        .chain(metrics)
        .collect()
}

/// The column `name`, by its whole name or by the end of it.
///
/// # Errors
/// There is no such column, or several.
pub fn named<'c>(name: &str, columns: &'c [Column]) -> Result<&'c Column> {
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
            Err(Error::UnknownColumn {
                name: name.to_owned(),
                hint: nearest_name::hint(name, names),
            })
        }
        several => {
            let names = several.iter().map(|column| column.full_name().to_owned());
            Err(Error::AmbiguousColumn {
                name: name.to_owned(),
                columns: names.collect(),
            })
        }
    }
}

/// Numbers by size, other values by their text, nothing at the end.
#[must_use]
pub fn order(a: &Option<Value>, b: &Option<Value>, is_reverse: bool) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else {
        return b.is_some().cmp(&a.is_some());
    };
    let order = match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => plain(a).cmp(&plain(b)),
    };
    if is_reverse { order.reverse() } else { order }
}

/// A value as text, of which strings have no quotes.
pub(super) fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(name: &str, lr: f64, set: &[&str]) -> Row {
        Row {
            name: name.to_owned(),
            set: set.iter().map(|key| (*key).to_owned()).collect(),
            params: BTreeMap::from([
                ("train.lr".to_owned(), json!(lr)),
                ("train.epochs".to_owned(), json!(3)),
            ]),
            ..Row::default()
        }
    }

    #[test]
    fn params_have_columns_where_a_row_differs_from_the_first() {
        let rows = [row("workspace", 0.1, &[]), row("a", 0.2, &["train.lr"])];
        let columns = columns(&rows, &[]);
        let lr = Column::Param("train.lr".to_owned());
        assert_eq!(columns, [Column::Name, Column::State, lr.clone()]);
        assert_eq!(named("lr", &columns).unwrap(), &lr);
        assert_eq!(lr.value(&rows[1]), Some(json!(0.2)));
        let error = named("lt", &columns).unwrap_err().to_string();
        assert!(error.starts_with("there is no column `lt`"), "{error}");
        let two = [lr, Column::Metric("score.lr".to_owned())];
        let error = named("lr", &two).unwrap_err().to_string();
        assert_eq!(error, "`lr` can be `train.lr`, `score.lr`");
    }

    #[test]
    fn a_param_is_of_interest_where_experiments_set_it_or_differ() {
        let lr = Column::Param("train.lr".to_owned());
        let workspace = row("workspace", 0.1, &[]);
        let same = [workspace.clone(), row("a", 0.2, &[]), row("b", 0.2, &[])];
        assert!(!lr.is_of_interest(&same));
        let set = [workspace.clone(), row("a", 0.1, &["train.lr"])];
        assert!(lr.is_of_interest(&set));
        let differ = [workspace, row("a", 0.2, &[]), row("b", 0.3, &[])];
        assert!(lr.is_of_interest(&differ));
        assert!(!Column::State.is_of_interest(&differ));
    }

    #[test]
    fn numbers_are_ordered_by_size_and_nothing_comes_last() {
        let mut values = [json!(10), Value::Null, json!(9.5)].map(|value| match value {
            Value::Null => None,
            value => Some(value),
        });
        values.sort_by(|a, b| order(a, b, false));
        assert_eq!(values, [Some(json!(9.5)), Some(json!(10)), None]);
        values.sort_by(|a, b| order(a, b, true));
        assert_eq!(values, [Some(json!(10)), Some(json!(9.5)), None]);
    }
}
