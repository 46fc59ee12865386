//! The graph of stages as text, Mermaid and Graphviz.

use std::collections::{BTreeMap, BTreeSet};

use ledger::runs::State;
use workflow::graph::{Graph, InstanceId};

/// Stages in the order of data, each with its predecessors.
#[derive(Debug)]
struct Stage<'a> {
    name: &'a str,
    desc: Option<&'a str>,
    instances: Vec<&'a str>,
    upstream: BTreeSet<&'a str>,
    /// Those of `upstream` that it waits for without reading anything of theirs.
    order_only: BTreeSet<&'a str>,
}

fn stages(graph: &Graph) -> Vec<Stage<'_>> {
    let mut stages: Vec<Stage<'_>> = Vec::new();
    for &id in &graph.order {
        let instance = &graph.instances[id];
        let name_of = |above: &InstanceId| graph.instances[*above].stage.as_str();
        let upstream = graph.before[id].iter().map(name_of);
        let order_only = graph.before[id].difference(&graph.upstream[id]);
        let order_only = order_only.map(name_of);
        match stages.iter_mut().find(|stage| stage.name == instance.stage) {
            Some(stage) => {
                stage.instances.push(&instance.name);
                stage.upstream.extend(upstream);
                stage.order_only.extend(order_only);
            }
            None => stages.push(Stage {
                name: &instance.stage,
                desc: instance.desc.as_deref(),
                instances: vec![&instance.name],
                upstream: upstream.collect(),
                order_only: order_only.collect(),
            }),
        }
    }
    stages
}

/// A stage in the drawing.
#[derive(Debug)]
pub struct Line<'a> {
    /// Its place in the graph.
    pub rails: String,
    /// Its name, with the number of its instances if there are several.
    pub label: String,
    /// Its state, in words.
    pub text: String,
    /// The state that all its instances share.
    pub state: Option<State>,
    /// Its description.
    pub desc: &'a str,
}

/// A line for each stage, of which `states` has those of instances.
///
/// A column of the drawing is the output of a stage on its way down to those that follow it: `●` is a stage, `├` and `┤`
/// lead off to one that follows, `╰` and `╯` to the last of them, and where `│` stands between `─` two ways cross.
#[must_use]
pub fn lines<'a>(graph: &'a Graph, states: &[(String, State)]) -> Vec<Line<'a>> {
    let states: BTreeMap<&str, State> = states
        .iter()
        .map(|(name, state)| (name.as_str(), *state))
        .collect();
    let stages = stages(graph);
    let lines = rails(&stages).into_iter().zip(&stages);
    let lines = lines.map(|(rails, stage)| Line {
        rails,
        label: label(stage),
        text: state(stage, &states),
        state: shared_state(stage, &states),
        desc: stage.desc.unwrap_or_default(),
    });
    lines.collect()
}

fn label(stage: &Stage<'_>) -> String {
    match stage.instances.len() {
        1 => stage.name.to_owned(),
        n => format!("{} ×{n}", stage.name),
    }
}

/// The drawing beside each stage.
fn rails(stages: &[Stage<'_>]) -> Vec<String> {
    let mut columns: Vec<Option<&str>> = Vec::new();
    let mut drawn = Vec::new();
    for (at, stage) in stages.iter().enumerate() {
        let has_followers = |name: &str| {
            let mut below = stages[at + 1..].iter();
            below.any(|below| below.upstream.contains(name))
        };
        let joins = |column: &Option<&str>| column.is_some_and(|of| stage.upstream.contains(of));
        let joined: Vec<bool> = columns.iter().map(joins).collect();
        let ends: Vec<bool> = { columns.iter().zip(&joined) }
            .map(|(column, joined)| *joined && !column.is_some_and(has_followers))
            .collect();
        let own = place(&columns, &joined, &ends);
        if own == columns.len() {
            columns.push(None);
        }
        drawn.push(row(&columns, &joined, &ends, own));
        for (column, ends) in columns.iter_mut().zip(&ends) {
            if *ends {
                *column = None;
            }
        }
        columns[own] = has_followers(stage.name).then_some(stage.name);
        while columns.last() == Some(&None) {
            columns.pop();
        }
    }
    drawn
}

/// The column of a stage: that of the first way that ends at it, else a free one to the right of where it comes from.
fn place(columns: &[Option<&str>], joined: &[bool], ends: &[bool]) -> usize {
    if let Some(ending) = ends.iter().position(|ends| *ends) {
        return ending;
    }
    let after = joined.iter().rposition(|joined| *joined).unwrap_or(0);
    let mut free = (after..columns.len()).filter(|&column| columns[column].is_none());
    free.next().unwrap_or(columns.len())
}

/// One line of the drawing, two characters a column.
fn row(columns: &[Option<&str>], joined: &[bool], ends: &[bool], own: usize) -> String {
    let joins = |column: usize| joined.get(column) == Some(&true);
    let first = (0..own).find(|&column| joins(column)).unwrap_or(own);
    let last = (own..columns.len())
        .rfind(|&column| joins(column))
        .unwrap_or(own);
    let cell = |column: usize| {
        let is_inside = first < column && column < last;
        match (joins(column), ends.get(column) == Some(&true)) {
            _ if column == own => '●',
            (true, true) if is_inside => '┴',
            (true, true) if column < own => '╰',
            (true, true) => '╯',
            (true, false) if is_inside => '┼',
            (true, false) if column < own => '├',
            (true, false) => '┤',
            _ if columns[column].is_some() => '│',
            _ if is_inside => '─',
            _ => ' ',
        }
    };
    let between = |column: usize| {
        if (first..last).contains(&column) {
            '─'
        } else {
            ' '
        }
    };
    let row = (0..columns.len()).flat_map(|column| [cell(column), between(column)]);
    row.collect::<String>().trim_end().to_owned()
}

/// The state that all instances share, else the number of those up to date.
fn state(stage: &Stage<'_>, states: &BTreeMap<&str, State>) -> String {
    let of_stage = states_of(stage, states);
    match shared_state(stage, states) {
        Some(state) => state.name().into(),
        None if of_stage.is_empty() => "not needed".into(),
        None => {
            let done = of_stage.iter();
            let done = done.filter(|state| **state == State::UpToDate).count();
            format!("{done} of {} up to date", of_stage.len())
        }
    }
}

fn shared_state(stage: &Stage<'_>, states: &BTreeMap<&str, State>) -> Option<State> {
    let of_stage = states_of(stage, states);
    let first = *of_stage.first()?;
    of_stage
        .iter()
        .all(|state| *state == first)
        .then_some(first)
}

fn states_of(stage: &Stage<'_>, states: &BTreeMap<&str, State>) -> Vec<State> {
    let instances = stage.instances.iter();
    instances
        .filter_map(|name| states.get(name).copied())
        .collect()
}

/// A Mermaid flowchart; dependencies that only order stages have a dotted arrow.
#[must_use]
pub fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart TD\n");
    for stage in stages(graph) {
        text.push_str(&format!("    {}\n", stage.name));
        for above in &stage.upstream {
            let arrow = if stage.order_only.contains(above) {
                "-.->"
            } else {
                "-->"
            };
            text.push_str(&format!("    {above} {arrow} {}\n", stage.name));
        }
    }
    text
}

/// A Graphviz graph; dependencies that only order stages have a dashed arrow.
#[must_use]
pub fn dot(graph: &Graph) -> String {
    let mut text = String::from("digraph stages {\n    node [shape=box];\n");
    for stage in stages(graph) {
        text.push_str(&format!("    \"{}\";\n", stage.name));
        for above in &stage.upstream {
            let style = if stage.order_only.contains(above) {
                " [style=dashed]"
            } else {
                ""
            };
            text.push_str(&format!("    \"{above}\" -> \"{}\"{style};\n", stage.name));
        }
    }
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(edges: &[(&str, &[&str])], expected: &str) {
        let stages: Vec<Stage<'_>> = { edges.iter() }
            .map(|(name, upstream)| Stage {
                name,
                desc: None,
                instances: vec![name],
                upstream: upstream.iter().copied().collect(),
                order_only: BTreeSet::new(),
            })
            .collect();
        let drawn = rails(&stages).into_iter().zip(&stages);
        let drawn: Vec<String> = drawn
            .map(|(rails, stage)| format!("{rails} {}", stage.name))
            .collect();
        assert_eq!(drawn.join("\n"), expected.trim_matches('\n'));
    }

    #[test]
    fn a_chain_is_a_line() {
        check(&[("a", &[]), ("b", &["a"]), ("c", &["b"])], "● a\n● b\n● c");
    }

    #[test]
    fn ways_part_and_meet() {
        check(
            &[
                ("a", &[]),
                ("b", &["a"]),
                ("c", &["a"]),
                ("d", &["b", "c"]),
                ("e", &[]),
            ],
            "
● a
├─● b
● │ c
●─╯ d
● e",
        );
    }

    #[test]
    fn ways_cross() {
        check(
            &[
                ("a", &[]),
                ("b", &[]),
                ("c", &["a"]),
                ("d", &["a", "b"]),
                ("e", &["a", "c", "d"]),
            ],
            "
● a
│ ● b
├─│─● c
├─● │ d
●─┴─╯ e",
        );
    }

    #[test]
    fn a_line_has_the_state_of_the_stage() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let pipeline = "\
[stage.a]
desc = \"first\"
cmd = \"echo ${k} > ${out.x}\"
each = { k = 2 }
out = { x = \"a/${k}.txt\" }
[stage.b]
cmd = \"cat ${in.x} > ${out.x}\"
in = { x = \"a/*.txt\" }
out = { x = \"b.txt\" }
";
        fs_err::write(root.join("pipeline.toml"), pipeline).unwrap();
        let access = runner::workspace::Access::Read;
        let workspace =
            runner::Workspace::open(root.to_owned(), &Default::default(), access).unwrap();
        let states = [("a@0", State::UpToDate), ("a@1", State::WouldRun)];
        let states = states.map(|(name, state)| (name.to_owned(), state));
        let lines = lines(&workspace.workflow.graph, &states);
        let shown = lines.iter().map(|line| {
            let Line {
                rails,
                label,
                text,
                desc,
                ..
            } = line;
            format!("{rails} {label}: {text}; {desc}")
        });
        let expected = ["● a ×2: 1 of 2 up to date; first", "● b: not needed; "];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
        assert_eq!(lines[0].state, None);
        let arrow = "    a --> b\n";
        assert!(mermaid(&workspace.workflow.graph).ends_with(arrow));
    }
}
