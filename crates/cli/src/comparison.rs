//! States beside each other.

use std::collections::BTreeMap;

use ::experiments::comparison::{self, Line, What};
use ::experiments::metrics as of_states;
use ::experiments::state::{State, WORKSPACE};
use runner::workspace::Access;
use serde_json::{Value, json};

use crate::arguments::common::Params;
use crate::arguments::experiments::{Compare, Metrics};
use crate::workspace::open;
use crate::{print, table};

/// Prints the differences of two states.
pub(crate) fn compare(arguments: &Compare, subjects: &[What]) -> anyhow::Result<()> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let names = [arguments.a.as_str(), arguments.b.as_str()];
    let files = &arguments.params.files;
    let mut compared = comparison::compare(&mut workspace, names, files, subjects)?;
    for remark in &compared.remarks {
        print::warning(remark);
    }
    if !arguments.all {
        compared.keep_differences();
    }
    if arguments.json {
        return print::json(&compared.to_json());
    }
    let texts = { compared.lines.iter() }.filter(|(_, lines)| !lines.is_empty());
    let texts = texts.map(|(what, lines)| text(*what, lines, &compared.names));
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() {
        return print::text("no differences\n");
    }
    print::text(&texts.join("\n"))
}

fn text(what: What, lines: &[Line], names: &[String; 2]) -> String {
    let title = match what {
        What::Params => "param",
        What::Metrics => "metric",
    };
    let mut header = vec![title.to_owned()];
    header.extend(names.iter().cloned());
    if what == What::Metrics {
        header.push("change".to_owned());
    }
    let rows = lines.iter().map(|line| {
        let shown = line.values.iter().map(|value| match (what, value) {
            (_, None) => table::NONE.to_owned(),
            (What::Metrics, Some(value)) => value.as_f64().map_or_else(String::new, table::number),
            (What::Params, Some(value)) => table::value(value),
        });
        let mut row: Vec<String> = [line.name.clone()].into_iter().chain(shown).collect();
        if what == What::Metrics {
            let change = line.change().map(table::number);
            row.push(change.unwrap_or_else(|| table::NONE.to_owned()));
        }
        row
    });
    table::table(&header, &rows.collect::<Vec<_>>())
}

/// Metrics alone: those of states, or the difference of two.
pub(crate) fn metrics(command: Metrics) -> anyhow::Result<()> {
    match command {
        Metrics::Diff(arguments) => compare(&arguments, &[What::Metrics]),
        Metrics::Show {
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
    params: &Params,
) -> anyhow::Result<()> {
    if names_of.is_empty() {
        names_of.push(WORKSPACE.to_owned());
    }
    let mut workspace = open(params, Access::Write)?;
    let states = names_of
        .iter()
        .map(|name| comparison::find(&workspace, name, &params.files));
    let states: Vec<State> = states.collect::<Result<_, _>>()?;
    let states: Vec<&State> = states.iter().collect();
    let (metrics, remarks) = comparison::read_metrics(&mut workspace, &states)?;
    for remark in &remarks {
        print::warning(remark);
    }
    let is_wanted = |name: &String| patterns.is_empty() || of_states::is_meant(patterns, name);
    let names = of_states::names(&metrics).into_iter().filter(is_wanted);
    let names: Vec<String> = names.collect();
    let values: Vec<BTreeMap<String, f64>> = metrics.iter().map(of_states::by_name).collect();
    if is_json {
        return print::json(&to_json(&names_of, &names, &values));
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

fn to_json(states: &[String], names: &[String], values: &[BTreeMap<String, f64>]) -> Vec<Value> {
    let states = states.iter().zip(values).map(|(state, values)| {
        let values = names
            .iter()
            .filter_map(|name| Some((name, values.get(name)?)));
        json!({ "name": state, "metrics": values.collect::<BTreeMap<_, _>>() })
    });
    states.collect()
}
