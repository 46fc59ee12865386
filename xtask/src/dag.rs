//! The graph of stages as text, Mermaid and Graphviz.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::events::State;
use pipeline::graph::Graph;

/// Stages in the order of data, each with what it follows.
#[derive(Debug)]
struct Stage<'a> {
    name: &'a str,
    desc: Option<&'a str>,
    instances: Vec<&'a str>,
    upstream: BTreeSet<&'a str>,
}

fn stages(graph: &Graph) -> Vec<Stage<'_>> {
    let mut stages: Vec<Stage<'_>> = Vec::new();
    for &at in &graph.order {
        let instance = &graph.instances[at];
        let upstream = graph.upstream[at]
            .iter()
            .map(|&above| graph.instances[above].stage.as_str());
        match stages.iter_mut().find(|stage| stage.name == instance.stage) {
            Some(stage) => {
                stage.instances.push(&instance.name);
                stage.upstream.extend(upstream);
            }
            None => stages.push(Stage {
                name: &instance.stage,
                desc: instance.desc.as_deref(),
                instances: vec![&instance.name],
                upstream: upstream.collect(),
            }),
        }
    }
    stages
}

/// A line a stage: how far it is, its name, what it follows, what it is for.
pub(crate) fn text(graph: &Graph, states: &[(String, State)]) -> String {
    let states: BTreeMap<&str, State> = states
        .iter()
        .map(|(name, state)| (name.as_str(), *state))
        .collect();
    let stages = stages(graph);
    let label = |stage: &Stage<'_>| match stage.instances.len() {
        1 => stage.name.to_owned(),
        n => format!("{} ×{n}", stage.name),
    };
    let rows: Vec<[String; 4]> = stages
        .iter()
        .map(|stage| {
            let upstream: Vec<&str> = stages
                .iter()
                .map(|s| s.name)
                .filter(|name| stage.upstream.contains(name))
                .collect();
            let arrow = if upstream.is_empty() {
                String::new()
            } else {
                format!("← {}", upstream.join(", "))
            };
            [
                label(stage),
                state(stage, &states),
                arrow,
                stage.desc.unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for [name, state, upstream, desc] in &rows {
        let line = format!(
            "{name:a$}  {state:b$}  {upstream:c$}  {desc}",
            a = widths[0],
            b = widths[1],
            c = widths[2]
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The state that all instances share, else how many are up to date.
fn state(stage: &Stage<'_>, states: &BTreeMap<&str, State>) -> String {
    let of_stage: Vec<State> = stage
        .instances
        .iter()
        .filter_map(|name| states.get(name).copied())
        .collect();
    match of_stage.first() {
        None => "not needed".into(),
        Some(first) if of_stage.iter().all(|state| state == first) => first.name().into(),
        Some(_) => {
            let done = of_stage
                .iter()
                .filter(|state| **state == State::UpToDate)
                .count();
            format!("{done} of {} up to date", of_stage.len())
        }
    }
}

/// A Mermaid flowchart.
pub(crate) fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart TD\n");
    for stage in stages(graph) {
        text.push_str(&format!("    {}\n", stage.name));
        for above in &stage.upstream {
            text.push_str(&format!("    {above} --> {}\n", stage.name));
        }
    }
    text
}

/// A Graphviz graph.
pub(crate) fn dot(graph: &Graph) -> String {
    let mut text = String::from("digraph stages {\n    node [shape=box];\n");
    for stage in stages(graph) {
        text.push_str(&format!("    \"{}\";\n", stage.name));
        for above in &stage.upstream {
            text.push_str(&format!("    \"{above}\" -> \"{}\";\n", stage.name));
        }
    }
    text.push_str("}\n");
    text
}
