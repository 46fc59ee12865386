//! The schema of `pipeline.toml`, made of the table of its keys.

use super::layout::Node;
use crate::declaration::keys::{Key, Kind, Table};
use crate::quantity;

/// The schema of the tables of the crate `checks`.
const CHECK: &str = include_str!("check.json");

/// The schema of `pipeline.toml`, as JSON.
#[must_use]
pub fn pipeline() -> String {
    let root = [
        (
            "$schema",
            Node::text("http://json-schema.org/draft-07/schema#"),
        ),
        ("title", Node::text("pipeline.toml")),
        (
            "description",
            Node::text("Stages with their commands, inputs and outputs."),
        ),
    ];
    let definitions = Node::object([
        ("stage", Node::object(table(Table::Stage))),
        ("output", Node::object(table(Table::Output))),
        ("check", Node::Lines(CHECK.trim_end())),
    ]);
    let root = root
        .into_iter()
        .chain(table(Table::Root))
        .chain([("definitions", definitions)]);
    format!("{}\n", Node::object(root))
}

/// A table with its keys and no others.
fn table(table: Table) -> Vec<(&'static str, Node)> {
    let mut entries = vec![
        ("type", Node::text("object")),
        ("additionalProperties", Node::Value(false.into())),
    ];
    let required: Vec<Node> = { table.keys() }
        .filter(|key| key.is_required)
        .map(|key| Node::text(key.name))
        .collect();
    if table == Table::Stage {
        let one = |key| Node::object([("required", Node::Array(vec![Node::text(key)]))]);
        entries.push(("oneOf", Node::Array(vec![one("run"), one("cmd")])));
    }
    if !required.is_empty() {
        entries.push(("required", Node::Array(required)));
    }
    let properties = table
        .keys()
        .map(|key| (key.name, Node::object(property(key))));
    entries.push(("properties", Node::object(properties)));
    entries
}

fn property(key: &Key) -> Vec<(&'static str, Node)> {
    let mut entries = vec![("description", Node::text(key.sentence))];
    entries.extend(value(key.kind));
    entries
}

/// Schema of a value of this kind.
fn value(kind: Kind) -> Vec<(&'static str, Node)> {
    match kind {
        Kind::Text => typed("string"),
        Kind::Flag(default) => with(typed("boolean"), "default", Node::Value(default.into())),
        Kind::Count => {
            let count = with(typed("integer"), "minimum", Node::Value(0.into()));
            with(count, "default", Node::Value(0.into()))
        }
        Kind::Size => pattern(&format!("^[0-9_]+ ?({})$", quantity::sizes().join("|"))),
        Kind::Time => pattern(&format!("^[0-9.]+ ?({})$", quantity::times().join("|"))),
        Kind::Program => pattern("^[^/]+/[^/]+$"),
        Kind::Commands => {
            let texts = with(typed("array"), "minItems", Node::Value(1.into()));
            let texts = with(texts, "items", Node::object(typed("string")));
            one_of([typed("string"), texts])
        }
        Kind::Texts => with(typed("array"), "items", Node::object(typed("string"))),
        Kind::Variables => with(
            typed("array"),
            "items",
            Node::object(pattern("^[A-Za-z0-9_]+$")),
        ),
        Kind::TextByName => by_name(typed("string")),
        Kind::ValueByName => typed("object"),
        Kind::Each => by_name(one_of([
            with(typed("integer"), "minimum", Node::Value(0.into())),
            typed("array"),
            typed("object"),
            pattern("^\\$\\{.+\\}$"),
        ])),
        Kind::Outputs => by_name(one_of([typed("string"), defined("output")])),
        Kind::Checks => by_name(defined("check")),
        Kind::Stages => {
            let name = Node::object([("pattern", Node::text("^[A-Za-z0-9_-]+$"))]);
            let stages = with(typed("object"), "propertyNames", name);
            with(
                stages,
                "additionalProperties",
                Node::object(defined("stage")),
            )
        }
        Kind::Table(inner) => table(inner),
        Kind::Tables(inner) => with(typed("array"), "items", Node::object(table(inner))),
    }
}

fn typed(name: &str) -> Vec<(&'static str, Node)> {
    vec![("type", Node::text(name))]
}

fn with(
    mut entries: Vec<(&'static str, Node)>,
    name: &'static str,
    value: Node,
) -> Vec<(&'static str, Node)> {
    entries.push((name, value));
    entries
}

fn pattern(text: &str) -> Vec<(&'static str, Node)> {
    with(typed("string"), "pattern", Node::text(text))
}

fn by_name(value: Vec<(&'static str, Node)>) -> Vec<(&'static str, Node)> {
    with(typed("object"), "additionalProperties", Node::object(value))
}

fn one_of<const N: usize>(values: [Vec<(&'static str, Node)>; N]) -> Vec<(&'static str, Node)> {
    let values = values.into_iter().map(Node::object);
    vec![("oneOf", Node::Array(values.collect()))]
}

fn defined(name: &str) -> Vec<(&'static str, Node)> {
    vec![("$ref", Node::text(&format!("#/definitions/{name}")))]
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;

    #[test]
    fn editors_are_offered_the_keys_that_are_read() {
        expect_file!["../schema.json"].assert_eq(&pipeline());
    }
}
