//! JSON in the order in which it is made, with line breaks for readers.

use std::fmt::{self, Write};

use serde_json::Value;

/// Columns of a line.
const WIDTH: usize = 120;

/// A piece of JSON.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Value(Value),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
    /// Lines of JSON as they are.
    Lines(&'static str),
}

impl Node {
    pub(super) fn text(text: &str) -> Self {
        Node::Value(text.into())
    }

    pub(super) fn object<'a>(entries: impl IntoIterator<Item = (&'a str, Node)>) -> Self {
        let entries = entries.into_iter();
        Node::Object(entries.map(|(key, node)| (key.to_owned(), node)).collect())
    }

    /// Writes it, in one line if that ends within [`WIDTH`] columns; `start` is the column that it starts at, and `end`
    /// the number of columns behind it.
    fn write(&self, f: &mut impl Write, indent: usize, start: usize, end: usize) -> fmt::Result {
        let line = self.one_line();
        if let Some(line) = line.filter(|line| start + line.chars().count() + end <= WIDTH) {
            return f.write_str(&line);
        }
        let inner = indent + 2;
        let pad = " ".repeat(inner);
        match self {
            Node::Value(value) => write!(f, "{value}"),
            Node::Lines(text) => {
                f.write_str(&text.replace('\n', &format!("\n{}", " ".repeat(indent))))
            }
            Node::Array(items) => {
                f.write_str("[\n")?;
                for (at, item) in items.iter().enumerate() {
                    let comma = if at + 1 < items.len() { "," } else { "" };
                    f.write_str(&pad)?;
                    item.write(f, inner, inner, comma.len())?;
                    writeln!(f, "{comma}")?;
                }
                write!(f, "{}]", " ".repeat(indent))
            }
            Node::Object(entries) => {
                f.write_str("{\n")?;
                for (at, (key, node)) in entries.iter().enumerate() {
                    let comma = if at + 1 < entries.len() { "," } else { "" };
                    let key = format!("{pad}{}: ", Value::from(key.as_str()));
                    f.write_str(&key)?;
                    node.write(f, inner, key.chars().count(), comma.len())?;
                    writeln!(f, "{comma}")?;
                }
                write!(f, "{}}}", " ".repeat(indent))
            }
        }
    }

    /// The value in one line; none for lines, and for a value with a default, which has a line of its own.
    fn one_line(&self) -> Option<String> {
        match self {
            Node::Value(value) => Some(value.to_string()),
            Node::Lines(_) => None,
            Node::Array(items) => {
                let items: Option<Vec<String>> = items.iter().map(Node::one_line).collect();
                Some(format!("[{}]", items?.join(", ")))
            }
            Node::Object(entries) => {
                let entries = entries.iter().map(|(key, node)| {
                    let value = node.one_line().filter(|_| key != "default")?;
                    Some(format!("{}: {value}", Value::from(key.as_str())))
                });
                let entries: Option<Vec<String>> = entries.collect();
                Some(format!("{{ {} }}", entries?.join(", ")))
            }
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0, 0, 0)
    }
}
