//! States beside each other: the workspace, experiments, revisions of git.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::PathBuf;

use anyhow::{Context, bail};
use pipeline::Revision;
use pipeline::ledger::metrics::Metrics;
use pipeline::ledger::states::StateResults;
use pipeline::workspace::{Access, Workspace, find_root};
use serde_json::{Map, Value, json};
use workflow::glob;
use workflow::params::Overrides;

use crate::exp::{self, Experiment};
use crate::{cli, print, table};

/// How the current state is called.
pub(crate) const WORKSPACE: &str = "workspace";

/// What is compared of two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Params,
    Metrics,
}

/// A state that has a name.
pub(crate) struct Named {
    pub(crate) name: String,
    /// Dotted keys with values as JSON.
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) made: StateResults,
}

/// The state that a person calls `name`: an experiment, else a revision.
fn find(workspace: &Workspace, name: &str, files: &[PathBuf]) -> anyhow::Result<Named> {
    let root = &workspace.workflow.root;
    let named = |params, made| Named {
        name: name.to_owned(),
        params,
        made,
    };
    if name == WORKSPACE {
        return Ok(named(
            workspace.workflow.params.leaves(),
            workspace.results(),
        ));
    }
    if let Some(experiment) = Experiment::find(root, name)? {
        let made = StateResults::load(&workspace.workflow.root, &exp::folder_name(name))?;
        return Ok(named(experiment.params, made));
    }
    match find_revision(workspace, name, files)? {
        Some(revision) => Ok(revision),
        None => {
            let hint = exp::hint(root, name)?;
            bail!("`{name}` is neither an experiment nor a revision of git{hint}")
        }
    }
}

/// The committed state that git calls `name`.
pub(crate) fn find_revision(
    workspace: &Workspace,
    name: &str,
    files: &[PathBuf],
) -> anyhow::Result<Option<Named>> {
    let Some(revision) = Revision::find(&workspace.workflow.root, name) else {
        return Ok(None);
    };
    Ok(Some(Named {
        name: name.to_owned(),
        params: revision.params(files)?.leaves(),
        made: StateResults {
            lock: revision.lock()?,
            folder: None,
        },
    }))
}

fn open(params: &cli::Params) -> anyhow::Result<Workspace> {
    let here = env::current_dir().context("cannot tell the current folder")?;
    let overrides = Overrides {
        files: params.files.clone(),
        settings: params.settings.clone(),
    };
    Ok(Workspace::open(
        find_root(&here)?,
        &overrides,
        Access::Write,
    )?)
}

/// A line of a comparison: what one and the other state have.
struct Line {
    name: String,
    values: [Option<Value>; 2],
}

/// Prints in what two states differ.
pub(crate) fn compare(arguments: &cli::Compare, what_all: &[What]) -> anyhow::Result<()> {
    let mut workspace = open(&arguments.params)?;
    let files = &arguments.params.files;
    let a = find(&workspace, &arguments.a, files)?;
    let b = find(&workspace, &arguments.b, files)?;
    let mut lines: Vec<(What, Vec<Line>)> = Vec::new();
    for what in what_all {
        let all = match what {
            What::Params => of_params(&a, &b),
            // Where nothing is declared, parameters are all that there is.
            What::Metrics
                if what_all.len() > 1 && !workspace.workflow.declaration.has_metrics() =>
            {
                Vec::new()
            }
            What::Metrics => of_metrics(&mut workspace, [&a, &b])?,
        };
        let differs = |line: &Line| line.values[0] != line.values[1];
        let shown = all
            .into_iter()
            .filter(|line| arguments.all || differs(line));
        lines.push((*what, shown.collect()));
    }
    if arguments.json {
        return print::json(&to_json(&lines));
    }
    let texts = lines.iter().filter(|(_, lines)| !lines.is_empty());
    let texts = texts.map(|(what, lines)| text(*what, lines, [&a.name, &b.name]));
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() {
        return print::text("no differences\n");
    }
    print::text(&texts.join("\n"))
}

fn of_params(a: &Named, b: &Named) -> Vec<Line> {
    let keys: BTreeSet<&String> = a.params.keys().chain(b.params.keys()).collect();
    let lines = keys.into_iter().map(|key| Line {
        name: key.clone(),
        values: [a, b].map(|state| state.params.get(key).map(|text| exp::value(text))),
    });
    lines.collect()
}

fn of_metrics(workspace: &mut Workspace, states: [&Named; 2]) -> anyhow::Result<Vec<Line>> {
    let metrics = read(workspace, &states)?;
    let values: Vec<BTreeMap<String, f64>> = metrics.iter().map(by_name).collect();
    let lines = names(&metrics).into_iter().map(|name| Line {
        values: [0, 1].map(|at: usize| values[at].get(&name).copied().map(Value::from)),
        name,
    });
    Ok(lines.collect())
}

/// The metrics of states; what cannot be read is told.
fn read(workspace: &mut Workspace, states: &[&Named]) -> anyhow::Result<Vec<Metrics>> {
    if !workspace.workflow.declaration.has_metrics() {
        bail!("no stage of `pipeline.toml` has `metrics = [\"output\"]`");
    }
    let made: Vec<StateResults> = states.iter().map(|state| state.made.clone()).collect();
    let metrics = pipeline::tables::metrics(workspace, &made)?;
    for (state, metrics) in states.iter().zip(&metrics) {
        tell_faults(&state.name, metrics);
        if metrics.values.is_empty() && metrics.faults.is_empty() {
            let name = &state.name;
            print::warning(&format!("{name}: no stage with metrics has a result"));
        }
    }
    Ok(metrics)
}

/// Says what of a state's metrics cannot be read.
pub(crate) fn tell_faults(name: &str, metrics: &Metrics) {
    for fault in &metrics.faults {
        print::warning(&format!("{name}: {fault}"));
    }
}

/// The values of metrics by their full names.
pub(crate) fn by_name(metrics: &Metrics) -> BTreeMap<String, f64> {
    let values = metrics.values.iter();
    values
        .map(|metric| (metric.full_name(), metric.value))
        .collect()
}

/// The full names of the metrics of several states: those of the first, then what others add.
pub(crate) fn names(states: &[Metrics]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let all = states.iter().flat_map(|metrics| &metrics.values);
    let names = all.map(pipeline::ledger::metrics::Metric::full_name);
    names.filter(|name| seen.insert(name.clone())).collect()
}

/// Whether one of the patterns means the metric of this full name: `test.*` means `score.scores.test.f1`.
pub(crate) fn is_meant(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| {
        let ends = { name.match_indices('.') }.map(|(at, _)| &name[at + 1..]);
        [name]
            .into_iter()
            .chain(ends)
            .any(|end| glob::matches(pattern, end))
    })
}

fn text(what: What, lines: &[Line], names: [&str; 2]) -> String {
    let title = match what {
        What::Params => "param",
        What::Metrics => "metric",
    };
    let mut header = vec![title.to_owned()];
    header.extend(names.map(str::to_owned));
    if what == What::Metrics {
        header.push("change".to_owned());
    }
    let rows = lines.iter().map(|line| {
        let shown = line.values.iter().map(|value| match (what, value) {
            (_, None) => table::NONE.to_owned(),
            (What::Metrics, Some(value)) => value.as_f64().map_or_else(String::new, table::number),
            (What::Params, Some(value)) => table::value(&value.to_string()),
        });
        let mut row: Vec<String> = [line.name.clone()].into_iter().chain(shown).collect();
        if what == What::Metrics {
            row.push(change(line).map_or_else(|| table::NONE.to_owned(), table::number));
        }
        row
    });
    table::table(&header, &rows.collect::<Vec<_>>())
}

fn change(line: &Line) -> Option<f64> {
    let [a, b] = &line.values;
    Some(b.as_ref()?.as_f64()? - a.as_ref()?.as_f64()?)
}

fn to_json(lines: &[(What, Vec<Line>)]) -> Value {
    let parts = lines.iter().map(|(what, lines)| match what {
        What::Params => {
            let lines = lines.iter();
            let lines = lines.map(|line| json!({ "param": line.name, "a": line.values[0], "b": line.values[1] }));
            ("params".to_owned(), lines.collect::<Value>())
        }
        What::Metrics => {
            let lines = lines.iter().map(|line| {
                json!({ "metric": line.name, "a": line.values[0], "b": line.values[1], "change": change(line) })
            });
            ("metrics".to_owned(), lines.collect::<Value>())
        }
    });
    Value::Object(parts.collect::<Map<_, _>>())
}

/// Metrics alone: those of states, or the difference of two.
pub(crate) fn metrics(command: cli::Metrics) -> anyhow::Result<()> {
    match command {
        cli::Metrics::Diff(arguments) => compare(&arguments, &[What::Metrics]),
        cli::Metrics::Show {
            states,
            metrics,
            json,
            params,
        } => show(states, &metrics, json, &params),
    }
}

fn show(
    mut names_of: Vec<String>,
    patterns: &[String],
    is_json: bool,
    params: &cli::Params,
) -> anyhow::Result<()> {
    if names_of.is_empty() {
        names_of.push(WORKSPACE.to_owned());
    }
    let mut workspace = open(params)?;
    let states = names_of
        .iter()
        .map(|name| find(&workspace, name, &params.files));
    let states: Vec<Named> = states.collect::<anyhow::Result<_>>()?;
    let metrics = read(&mut workspace, &states.iter().collect::<Vec<_>>())?;
    let is_wanted = |name: &String| patterns.is_empty() || is_meant(patterns, name);
    let names: Vec<String> = names(&metrics).into_iter().filter(is_wanted).collect();
    let values: Vec<BTreeMap<String, f64>> = metrics.iter().map(by_name).collect();
    if is_json {
        let states = names_of.iter().zip(&values).map(|(name, values)| {
            let values = names
                .iter()
                .filter_map(|name| Some((name, values.get(name)?)));
            json!({ "name": name, "metrics": values.collect::<BTreeMap<_, _>>() })
        });
        return print::json(&states.collect::<Vec<_>>());
    }
    let header: Vec<String> = ["metric".to_owned()].into_iter().chain(names_of).collect();
    let rows = names.iter().map(|name| {
        let values = values.iter().map(|values| match values.get(name) {
            Some(value) => table::number(*value),
            None => table::NONE.to_owned(),
        });
        [name.clone()].into_iter().chain(values).collect()
    });
    print::text(&table::table(&header, &rows.collect::<Vec<_>>()))
}
