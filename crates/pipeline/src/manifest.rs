//! What an instance's result depends on, as text: its hash is the key that
//! decides, and the difference of two texts is the explanation.
//!
//! A line is `section name = value`, the lines are sorted. Sections:
//! `command` (crate and binary, or shell text), `param`, `env` (an environment
//! variable), `input` (digest of the content), `output` (the name alone), `code` (a file of the closure),
//! `crate` and `package` (what cargo links, with features), `build` (compiler
//! and profile). No time, and no path of an input or output, is part of it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use store::Digest;
use workflow::json::canonical;

/// The value of an input that a run still to come decides.
const PENDING: &str = "to be made";

/// The readable manifest of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    lines: BTreeMap<String, String>,
}

impl Manifest {
    /// Adds a line. Values with line breaks must be encoded by the caller.
    pub(crate) fn add(&mut self, section: &str, name: &str, value: impl Into<String>) {
        let entry = format!("{section} {name}")
            .replace('=', "\\x3d")
            .replace('\n', "\\n");
        self.lines.insert(entry.trim_end().to_owned(), value.into());
    }

    /// Adds the param `name`; a table one line a key, so that differences are small.
    pub(crate) fn add_param(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(table) if !table.is_empty() => {
                for (key, value) in table {
                    self.add_param(&format!("{name}.{key}"), value);
                }
            }
            value => self.add("param", name, canonical(value)),
        }
    }

    /// Adds an input whose content a run still to come decides.
    pub(crate) fn add_pending(&mut self, name: &str) {
        self.add("input", name, PENDING);
    }

    /// Whether the key can't be known yet.
    pub(crate) fn is_pending(&self) -> bool {
        self.lines.values().any(|value| value == PENDING)
    }

    /// The hash of the text.
    pub fn key(&self) -> Digest {
        Digest::of_bytes(self.to_string().as_bytes())
    }

    /// Reads a text written by [`fmt::Display`].
    pub fn read(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once(" = "));
        let lines = lines.map(|(entry, value)| (entry.to_owned(), value.to_owned()));
        Manifest {
            lines: lines.collect(),
        }
    }

    /// What makes the result: `crate/binary`, or the shell's text. None for what is no run.
    pub(crate) fn command(&self) -> Option<&str> {
        let command = ["command run", "command cmd"].map(|entry| self.lines.get(entry));
        command.into_iter().flatten().next().map(String::as_str)
    }

    /// The lines of a section.
    pub(crate) fn only(&self, section: &str) -> Self {
        let is_of_section = |entry: &&String| entry.split(' ').next() == Some(section);
        let entries = self.lines.keys().filter(is_of_section);
        let lines = entries.map(|entry| (entry.clone(), self.lines[entry].clone()));
        Manifest {
            lines: lines.collect(),
        }
    }

    /// The names and values of a section.
    pub(crate) fn section(&self, section: &str) -> BTreeMap<String, String> {
        let lines = self.lines.iter();
        let of_section = lines.filter_map(|(entry, value)| {
            let name = entry.strip_prefix(section)?.strip_prefix(' ')?;
            Some((name.to_owned(), value.clone()))
        });
        of_section.collect()
    }

    /// The hash of what the stage is compiled from, and how; none for a foreign command.
    pub(crate) fn code(&self) -> Option<Digest> {
        let lines = self.lines.iter().filter(|(entry, _)| is_of_code(entry));
        let text: String = lines
            .map(|(entry, value)| format!("{entry} = {value}\n"))
            .collect();
        (!text.is_empty()).then(|| Digest::of_bytes(text.as_bytes()))
    }

    /// What changed from `old` to this one, in the order of the lines. An input
    /// still to be made is no difference.
    pub fn differences(&self, old: &Manifest) -> Vec<Difference> {
        let mut differences = Vec::new();
        for (entry, new) in &self.lines {
            let before = old.lines.get(entry);
            if before != Some(new) && !(new == PENDING && before.is_some()) {
                differences.push(Difference {
                    entry: entry.clone(),
                    old: before.cloned(),
                    new: Some(new.clone()),
                });
            }
        }
        let gone = old
            .lines
            .iter()
            .filter(|(entry, _)| !self.lines.contains_key(*entry));
        differences.extend(gone.map(|(entry, value)| Difference {
            entry: entry.clone(),
            old: Some(value.clone()),
            new: None,
        }));
        differences.sort_by(|a, b| (rank(&a.entry), &a.entry).cmp(&(rank(&b.entry), &b.entry)));
        differences
    }
}

/// What a person changes comes before what follows from it.
fn rank(entry: &str) -> usize {
    const SECTIONS: [&str; 9] = [
        "command", "param", "env", "input", "output", "code", "crate", "package", "build",
    ];
    let section = entry.split(' ').next().unwrap_or(entry);
    SECTIONS
        .iter()
        .position(|known| *known == section)
        .unwrap_or(SECTIONS.len())
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (entry, value) in &self.lines {
            writeln!(f, "{entry} = {value}")?;
        }
        Ok(())
    }
}

/// A line that differs between two manifests.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Section and name.
    pub entry: String,
    /// The value of the last run; none where the line is new.
    pub old: Option<String>,
    /// The value now; none where the line is gone.
    pub new: Option<String>,
}

impl Difference {
    /// The name of the line in its section.
    pub(crate) fn name(&self) -> &str {
        self.entry.split_once(' ').map_or("", |(_, name)| name)
    }

    /// Whether it is one of code: of what a stage is compiled from, and how.
    pub(crate) fn is_of_code(&self) -> bool {
        is_of_code(&self.entry)
    }
}

fn is_of_code(entry: &str) -> bool {
    let section = entry.split(' ').next().unwrap_or(entry);
    ["code", "crate", "package", "build"].contains(&section)
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = &self.entry;
        match (&self.old, &self.new) {
            (Some(_), Some(new)) if new == PENDING => write!(f, "{entry} {PENDING}"),
            (Some(old), Some(new)) if is_short(old) && is_short(new) => {
                write!(f, "{entry} {old} → {new}")
            }
            (Some(_), Some(_)) => write!(f, "{entry} changed"),
            (None, Some(new)) if is_short(new) => write!(f, "{entry} {new} added"),
            (None, _) => write!(f, "{entry} added"),
            (Some(_), None) => write!(f, "{entry} removed"),
        }
    }
}

/// Digests and long texts tell a person nothing.
fn is_short(value: &str) -> bool {
    value.chars().count() <= 24 && value != PENDING && !value.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(lines: &[(&str, &str, &str)]) -> Manifest {
        let mut manifest = Manifest::default();
        for (section, name, value) in lines {
            manifest.add(section, name, *value);
        }
        manifest
    }

    fn explain(old: &Manifest, new: &Manifest) -> Vec<String> {
        new.differences(old)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_text_reads_back_and_the_order_of_adding_is_nothing() {
        let a = manifest(&[("param", "lr", "0.1"), ("command", "run", "\"a = b\"")]);
        let b = manifest(&[("command", "run", "\"a = b\""), ("param", "lr", "0.1")]);
        assert_eq!(a.key(), b.key());
        assert_eq!(Manifest::read(&a.to_string()), a);
    }

    #[test]
    fn differences_are_the_reasons() {
        let digest = "0".repeat(64);
        let old = manifest(&[
            ("param", "lr", "0.1"),
            ("code", "a.rs", &digest),
            ("input", "x", &digest),
        ]);
        let new = manifest(&[
            ("param", "lr", "0.2"),
            ("code", "b.rs", &digest),
            ("input", "x", "other"),
        ]);
        assert_ne!(old.key(), new.key());
        assert_eq!(
            explain(&old, &new),
            [
                "param lr 0.1 → 0.2",
                "input x changed",
                "code a.rs removed",
                "code b.rs added"
            ]
        );
        assert!(explain(&old, &old).is_empty());
    }

    #[test]
    fn tables_of_params_differ_key_by_key() {
        let mut old = Manifest::default();
        old.add_param("adam", &serde_json::json!({"beta1": 0.9, "beta2": 0.99}));
        let mut new = Manifest::default();
        new.add_param("adam", &serde_json::json!({"beta2": 0.99, "beta1": 0.8}));
        assert_eq!(explain(&old, &new), ["param adam.beta1 0.9 → 0.8"]);
    }

    #[test]
    fn an_input_to_be_made_is_pending_and_no_difference() {
        let old = manifest(&[("input", "x", "1")]);
        let mut new = Manifest::default();
        new.add_pending("x");
        assert!(new.is_pending() && !old.is_pending());
        assert!(explain(&old, &new).is_empty());
    }
}
