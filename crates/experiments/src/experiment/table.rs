//! The table of experiments beside the workspace.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ledger::metrics::Metrics;
use ledger::runs::State as StageState;
use ledger::states::StateResults;
use runner::Workspace;
use runner::status;
use serde_json::{Value, json};
use workflow::graph::Reach;

use super::columns::{Column, Row, columns, named, order};
use super::filter::Filter;
use super::record::{self, folder_name};
use crate::error::{Error, Result};
use crate::metrics;
use crate::state::State;

/// Number of metrics that are shown without a pattern.
const SHOWN: usize = 8;

/// Experiments and revisions, below the workspace.
#[derive(Debug)]
pub struct Table {
    /// All columns.
    pub columns: Vec<Column>,
    /// The first is the workspace.
    pub rows: Vec<Row>,
    /// Sentences on metrics that cannot be read.
    pub remarks: Vec<String>,
    titles: BTreeMap<String, String>,
}

/// The columns that are shown.
#[derive(Debug)]
pub struct Shown<'t> {
    /// Columns with their titles.
    pub columns: Vec<(&'t Column, &'t str)>,
    /// Number of metrics that are not shown.
    pub n_more: usize,
}

impl Table {
    /// The workspace, revisions and experiments, with the metrics of each. Revisions have the params files that were
    /// committed with them.
    ///
    /// # Errors
    /// There is no such revision, or the records of a state cannot be read.
    pub fn read(
        workspace: &mut Workspace,
        revisions: &[String],
        files: &[PathBuf],
    ) -> Result<Self> {
        let (mut rows, made) = states(workspace, revisions, files)?;
        let metrics = runner::tables::metrics(workspace, &made)?;
        let mut remarks = Vec::new();
        for (row, metrics) in rows.iter_mut().zip(&metrics) {
            row.metrics = metrics::by_name(metrics);
            let faults = metrics.faults.iter();
            remarks.extend(faults.map(|fault| format!("{}: {fault}", row.name)));
        }
        Ok(Table::new(rows, &metrics, remarks))
    }

    fn new(rows: Vec<Row>, metrics: &[Metrics], remarks: Vec<String>) -> Self {
        Table {
            columns: columns(&rows, metrics),
            rows,
            remarks,
            titles: metrics::titles(metrics),
        }
    }

    /// Keeps the workspace and the rows of which all conditions are true.
    ///
    /// # Errors
    /// A condition cannot be read.
    pub fn filter(&mut self, conditions: &[String]) -> Result<()> {
        for condition in conditions {
            let filter = Filter::read(condition, &self.columns)?;
            let mut is_first = true;
            self.rows
                .retain(|row| std::mem::take(&mut is_first) || filter.is_true_of(row));
        }
        Ok(())
    }

    /// Orders the rows below the workspace by a column.
    ///
    /// # Errors
    /// There is no such column.
    pub fn sort(&mut self, column: &str, is_reverse: bool) -> Result<()> {
        let column = named(column, &self.columns)?;
        self.rows[1..].sort_by(|a, b| order(&column.value(a), &column.value(b), is_reverse));
        Ok(())
    }

    /// Rows for programs, with all parameters and metrics.
    #[must_use]
    pub fn to_json(&self) -> Vec<Value> {
        let rows = self.rows.iter().map(|row| {
            json!({
                "name": row.name,
                "state": row.state,
                "params": row.params,
                "metrics": row.metrics,
            })
        });
        rows.collect()
    }

    /// Columns by full name, for a file of a table.
    #[must_use]
    pub fn to_columns(&self) -> Vec<(String, Vec<Value>)> {
        let columns = self.columns.iter().map(|column| {
            let values = self.rows.iter();
            let values = values.map(|row| column.value(row).unwrap_or_default());
            (column.full_name().to_owned(), values.collect())
        });
        columns.collect()
    }

    /// The columns that are shown: names, parameters of interest, metrics of these patterns or some where there
    /// are none, states.
    #[must_use]
    pub fn shown(&self, patterns: &[String]) -> Shown<'_> {
        let columns = self.columns.iter();
        let params = columns.filter(|column| column.is_of_interest(&self.rows));
        let wanted = self.columns.iter().filter(|column| match column {
            Column::Metric(name) => patterns.is_empty() || metrics::is_meant(patterns, name),
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
        let columns = [&Column::Name]
            .into_iter()
            .chain(params)
            .chain(wanted)
            .chain([&Column::State]);
        Shown {
            columns: columns.map(|column| (column, self.title(column))).collect(),
            n_more,
        }
    }

    fn title<'t>(&'t self, column: &'t Column) -> &'t str {
        match column {
            Column::Metric(name) => self.titles.get(name).unwrap_or(name),
            column => column.full_name(),
        }
    }
}

/// The states as rows, with the results of each.
fn states(
    workspace: &mut Workspace,
    revisions: &[String],
    files: &[PathBuf],
) -> Result<(Vec<Row>, Vec<StateResults>)> {
    let state = current(workspace)?;
    let (mut rows, mut made) = (Vec::new(), Vec::new());
    let mut add = |state: State, text: &str| {
        made.push(state.made);
        rows.push(Row {
            name: state.name,
            state: text.to_owned(),
            params: state.params,
            ..Row::default()
        });
    };
    add(State::current(workspace), state);
    for name in revisions {
        let revision = State::revision(workspace, name, files)?;
        let revision = revision.ok_or_else(|| Error::UnknownRevision(name.clone()))?;
        add(revision, "committed");
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
    Ok((rows, made))
}

/// Describes whether the workspace's results are those of its parameters.
fn current(workspace: &mut Workspace) -> Result<&'static str> {
    let selection =
        workspace
            .workflow
            .graph
            .select(&workspace.workflow.root, &[], Reach::Upstream)?;
    let outcomes = status::outcomes(workspace, &selection, false)?;
    let is_done = |state| matches!(state, StageState::UpToDate | StageState::Frozen);
    let is_changed = outcomes.iter().any(|outcome| !is_done(outcome.state));
    Ok(if is_changed { "changed" } else { "up to date" })
}

#[cfg(test)]
mod tests {
    use ledger::metrics::Metric;

    use super::*;

    /// A row for each name and value of `train.lr`, with a metric of the tenfold.
    fn table(rows: &[(&str, f64)]) -> Table {
        let metrics = rows.iter().map(|(_, lr)| {
            let mut metrics = Metrics::default();
            metrics.values = vec![Metric {
                output: "score.scores".to_owned(),
                name: "f1".to_owned(),
                value: lr * 10.0,
            }];
            metrics
        });
        let metrics: Vec<Metrics> = metrics.collect();
        let rows = rows.iter().zip(&metrics).map(|((name, lr), metrics)| Row {
            name: (*name).to_owned(),
            params: BTreeMap::from([("train.lr".to_owned(), json!(lr))]),
            metrics: metrics::by_name(metrics),
            ..Row::default()
        });
        Table::new(rows.collect(), &metrics, Vec::new())
    }

    fn names(table: &Table) -> Vec<&str> {
        table.rows.iter().map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn the_workspace_stays_first_under_filters_and_orders() {
        let mut table = table(&[("workspace", 0.0), ("a", 0.2), ("b", 0.3), ("c", 0.1)]);
        table.sort("f1", true).unwrap();
        assert_eq!(names(&table), ["workspace", "b", "a", "c"]);
        table.filter(&["lr>0.1".to_owned()]).unwrap();
        assert_eq!(names(&table), ["workspace", "b", "a"]);
        assert!(table.sort("f2", false).is_err());
        assert_eq!(table.to_json()[1]["params"]["train.lr"], 0.3);
    }

    #[test]
    fn columns_have_short_titles_and_can_be_chosen() {
        let table = table(&[("workspace", 0.1), ("a", 0.2), ("b", 0.3)]);
        let titles = |patterns: &[&str]| -> Vec<&str> {
            let patterns: Vec<String> =
                { patterns.iter() }.map(|text| (*text).to_owned()).collect();
            let shown = table.shown(&patterns);
            assert_eq!(shown.n_more, 0);
            shown.columns.into_iter().map(|(_, title)| title).collect()
        };
        assert_eq!(titles(&[]), ["name", "train.lr", "f1", "state"]);
        assert_eq!(titles(&["top*"]), ["name", "train.lr", "state"]);
        let full: Vec<String> = { table.to_columns().into_iter() }
            .map(|(name, _)| name)
            .collect();
        assert_eq!(full, ["name", "state", "train.lr", "score.scores.f1"]);
    }
}
