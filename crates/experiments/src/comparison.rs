//! States beside each other: the workspace, experiments, revisions of git.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ledger::metrics::Metrics;
use ledger::states::StateResults;
use runner::Workspace;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::experiment::record::{self, Experiment};
use crate::metrics;
use crate::state::{State, WORKSPACE};

/// The subject of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Values of `params.toml`.
    Params,
    /// Numbers that stages made.
    Metrics,
}

/// A line of a comparison: the values of the one and the other state.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Dotted key of a parameter, or full name of a metric.
    pub name: String,
    /// None where a state has no such.
    pub values: [Option<Value>; 2],
}

impl Line {
    /// Returns whether the states differ here.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.values[0] != self.values[1]
    }

    /// The second number minus the first.
    #[must_use]
    pub fn change(&self) -> Option<f64> {
        let [a, b] = &self.values;
        Some(b.as_ref()?.as_f64()? - a.as_ref()?.as_f64()?)
    }
}

/// Two states beside each other.
#[derive(Debug)]
pub struct Comparison {
    /// The names of the states.
    pub names: [String; 2],
    /// The lines of each subject.
    pub lines: Vec<(What, Vec<Line>)>,
    /// Sentences on metrics that cannot be read.
    pub remarks: Vec<String>,
}

impl Comparison {
    /// Leaves out equal values.
    pub fn keep_differences(&mut self) {
        for (_, lines) in &mut self.lines {
            lines.retain(Line::differs);
        }
    }

    /// The comparison for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let parts = self.lines.iter().map(|(what, lines)| {
            let lines = lines.iter();
            match what {
                What::Params => {
                    let lines = lines.map(|line| {
                        json!({ "param": line.name, "a": line.values[0], "b": line.values[1] })
                    });
                    ("params".to_owned(), lines.collect::<Value>())
                }
                What::Metrics => {
                    let lines = lines.map(|line| {
                        json!({
                            "metric": line.name,
                            "a": line.values[0],
                            "b": line.values[1],
                            "change": line.change(),
                        })
                    });
                    ("metrics".to_owned(), lines.collect::<Value>())
                }
            }
        });
        Value::Object(parts.collect::<Map<_, _>>())
    }
}

/// The state `name`: an experiment, else a revision.
///
/// # Errors
/// There is no such state, or its records cannot be read.
pub fn find(workspace: &Workspace, name: &str, files: &[PathBuf]) -> Result<State> {
    if name == WORKSPACE {
        return Ok(State::current(workspace));
    }
    let root = &workspace.workflow.root;
    if let Some(experiment) = Experiment::find(root, name)? {
        let made = StateResults::load(&workspace.workflow.root, &record::folder_name(name))?;
        return Ok(State {
            name: name.to_owned(),
            params: experiment.params,
            made,
        });
    }
    match State::revision(workspace, name, files)? {
        Some(revision) => Ok(revision),
        None => Err(Error::UnknownState {
            name: name.to_owned(),
            hint: record::hint(root, name)?,
        }),
    }
}

/// Compares two states. Revisions have the params files that were committed with them.
///
/// # Errors
/// A state is unknown or cannot be read, or there are no metrics to compare.
pub fn compare(
    workspace: &mut Workspace,
    names: [&str; 2],
    files: &[PathBuf],
    subjects: &[What],
) -> Result<Comparison> {
    let a = find(workspace, names[0], files)?;
    let b = find(workspace, names[1], files)?;
    let mut comparison = Comparison {
        names: [a.name.clone(), b.name.clone()],
        lines: Vec::new(),
        remarks: Vec::new(),
    };
    for what in subjects {
        let lines = match what {
            What::Params => of_params(&a.params, &b.params),
            // Where nothing is declared, parameters are all that there is.
            What::Metrics
                if subjects.len() > 1 && !workspace.workflow.declaration.has_metrics() =>
            {
                Vec::new()
            }
            What::Metrics => {
                let (metrics, remarks) = read_metrics(workspace, &[&a, &b])?;
                comparison.remarks = remarks;
                of_metrics(&metrics)
            }
        };
        comparison.lines.push((*what, lines));
    }
    Ok(comparison)
}

fn of_params(a: &BTreeMap<String, Value>, b: &BTreeMap<String, Value>) -> Vec<Line> {
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let lines = keys.into_iter().map(|key| Line {
        name: key.clone(),
        values: [a, b].map(|params| params.get(key).cloned()),
    });
    lines.collect()
}

fn of_metrics(states: &[Metrics]) -> Vec<Line> {
    let values: Vec<BTreeMap<String, f64>> = states.iter().map(metrics::by_name).collect();
    let lines = metrics::names(states).into_iter().map(|name| Line {
        values: [0, 1].map(|at: usize| values.get(at)?.get(&name).copied().map(Value::from)),
        name,
    });
    lines.collect()
}

/// The metrics of states, with messages on unreadable outputs.
///
/// # Errors
/// No stage has metrics, or the program that reads tables fails.
pub fn read_metrics(
    workspace: &mut Workspace,
    states: &[&State],
) -> Result<(Vec<Metrics>, Vec<String>)> {
    if !workspace.workflow.declaration.has_metrics() {
        return Err(Error::NoMetrics);
    }
    let made: Vec<StateResults> = states.iter().map(|state| state.made.clone()).collect();
    let metrics = runner::tables::metrics(workspace, &made)?;
    let mut remarks = Vec::new();
    for (state, metrics) in states.iter().zip(&metrics) {
        let name = &state.name;
        remarks.extend(
            metrics
                .faults
                .iter()
                .map(|fault| format!("{name}: {fault}")),
        );
        if metrics.values.is_empty() && metrics.faults.is_empty() {
            remarks.push(format!("{name}: no stage with metrics has a result"));
        }
    }
    Ok((metrics, remarks))
}

#[cfg(test)]
mod tests {
    use ledger::metrics::Metric;

    use super::*;

    fn params(values: &[(&str, Value)]) -> BTreeMap<String, Value> {
        let values = values.iter();
        values
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect()
    }

    #[test]
    fn params_of_both_states_have_a_line() {
        let a = params(&[("lr", json!(0.1)), ("old", json!(1)), ("same", json!("x"))]);
        let b = params(&[
            ("lr", json!(0.2)),
            ("new", json!([1, 2])),
            ("same", json!("x")),
        ]);
        let mut comparison = Comparison {
            names: ["a", "b"].map(str::to_owned),
            lines: vec![(What::Params, of_params(&a, &b))],
            remarks: Vec::new(),
        };
        comparison.keep_differences();
        let expected = json!({ "params": [
            { "param": "lr", "a": 0.1, "b": 0.2 },
            { "param": "new", "a": null, "b": [1, 2] },
            { "param": "old", "a": 1, "b": null },
        ] });
        assert_eq!(comparison.to_json(), expected);
    }

    #[test]
    fn a_change_needs_two_numbers() {
        let metrics = |values: &[(&str, f64)]| {
            let mut metrics = Metrics::default();
            metrics.values = { values.iter() }
                .map(|(name, value)| Metric {
                    output: "score".to_owned(),
                    name: (*name).to_owned(),
                    value: *value,
                })
                .collect();
            metrics
        };
        let lines = of_metrics(&[
            metrics(&[("f1", 0.5), ("top1", 1.0)]),
            metrics(&[("f1", 0.75)]),
        ]);
        let changes: Vec<(&str, Option<f64>)> = { lines.iter() }
            .map(|line| (line.name.as_str(), line.change()))
            .collect();
        assert_eq!(changes, [("score.f1", Some(0.25)), ("score.top1", None)]);
    }

    #[test]
    fn an_unknown_state_names_the_nearest_experiment() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs_err::write(root.join("pipeline.toml"), "").unwrap();
        fs_err::create_dir_all(root.join(".atelier/experiments/lr-0.1")).unwrap();
        let open = runner::workspace::Access::Write;
        let workspace = Workspace::open(root.to_owned(), &Default::default(), open).unwrap();
        assert_eq!(
            find(&workspace, "workspace", &[]).unwrap().name,
            "workspace"
        );
        let error = find(&workspace, "lr-0.2", &[]).unwrap_err().to_string();
        assert_eq!(
            error,
            "`lr-0.2` is neither an experiment nor a revision of git; did you mean `lr-0.1`?"
        );
    }
}
