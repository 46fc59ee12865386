//! Everything that an instance's result depends on, as text: its hash is the key that
//! decides, and the difference of two texts is the explanation.
//!
//! A line is `section name = value`, the lines are sorted. Sections:
//! `command` (crate and binary, or shell text), `param`, `env` (an environment
//! variable), `input` (digest of the content), `output` (the name alone), `code` (a file of the closure),
//! `crate` and `package` (what cargo links, with features), `build` (compiler
//! and profile). No time, and no path of an input or output, is part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use store::Digest;
use workflow::json::canonical;

mod difference;
mod section;

pub use difference::{Difference, Entry};
use section::Lines;
pub use section::Section;

/// Bytes of the text of a small manifest.
const KEY_TEXT: usize = 512;

/// The readable manifest of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    sections: BTreeMap<Section, Lines>,
}

impl Manifest {
    /// Adds a line. Values with line breaks must be encoded by the caller.
    pub fn add(&mut self, section: Section, name: &str, value: impl Into<String>) {
        let mut name = name.to_owned();
        if name.contains(['=', '\n']) {
            name = name.replace('=', "\\x3d").replace('\n', "\\n");
        }
        name.truncate(name.trim_end().len());
        let lines = self.sections.entry(section).or_default();
        lines.insert(name, value.into());
    }

    /// Adds the param `name`; a table one line a key, so that differences are small.
    pub fn add_param(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(table) if !table.is_empty() => {
                for (key, value) in table {
                    self.add_param(&format!("{name}.{key}"), value);
                }
            }
            value => self.add(Section::Param, name, canonical(value)),
        }
    }

    /// The hash of the text.
    pub fn key(&self) -> Digest {
        let mut text = String::with_capacity(KEY_TEXT);
        for (section, lines) in &self.sections {
            // Writing to a string cannot fail.
            let _ = write_lines(&mut text, section, lines);
        }
        Digest::of_bytes(text.as_bytes())
    }

    /// Reads a text written by [`fmt::Display`].
    pub fn read(text: &str) -> Self {
        let mut manifest = Manifest::default();
        for (entry, value) in text.lines().filter_map(|line| line.split_once(" = ")) {
            let (section, name) = entry.split_once(' ').unwrap_or((entry, ""));
            let lines = manifest.sections.entry(Section::named(section));
            lines.or_default().insert(name.to_owned(), value.to_owned());
        }
        manifest
    }

    /// Command that makes the result: `crate/binary`, or the shell's text. None for a record that isn't a run's.
    pub fn command(&self) -> Option<&str> {
        let lines = self.sections.get(&Section::Command)?;
        let command = lines.get("run").or_else(|| lines.get("cmd"));
        command.map(String::as_str)
    }

    /// The manifest reduced to one section.
    pub fn only(&self, section: Section) -> Self {
        let lines = self.sections.get(&section).cloned();
        Manifest {
            sections: lines.map(|lines| (section, lines)).into_iter().collect(),
        }
    }

    /// The names and values of a section.
    pub fn section(&self, section: &Section) -> BTreeMap<String, String> {
        self.sections.get(section).cloned().unwrap_or_default()
    }

    /// The hash of the sections of code; none for a foreign command.
    pub fn code(&self) -> Option<Digest> {
        let sections = self.sections.iter();
        let sections = sections.filter(|(section, _)| section.is_of_code());
        let mut text = String::new();
        for (section, lines) in sections {
            // Writing to a string cannot fail.
            let _ = write_lines(&mut text, section, lines);
        }
        (!text.is_empty()).then(|| Digest::of_bytes(text.as_bytes()))
    }

    /// Differences from `old` to this manifest, sections in the order for people, names sorted.
    pub fn differences(&self, old: &Manifest) -> Vec<Difference> {
        self.differences_while(old, &BTreeSet::new())
    }

    /// Differences where the inputs `pending`, which have no line here, are still to be made. Such an input is a
    /// difference only if `old` doesn't have it.
    pub(crate) fn differences_while(
        &self,
        old: &Manifest,
        pending: &BTreeSet<&str>,
    ) -> Vec<Difference> {
        let mut sections: BTreeSet<&Section> = self.sections.keys().collect();
        sections.extend(old.sections.keys());
        if !pending.is_empty() {
            sections.insert(&Section::Input);
        }
        let mut sections: Vec<&Section> = sections.into_iter().collect();
        sections.sort_by_key(|section| section.rank());
        let none = (Lines::new(), BTreeSet::new());
        let differences = sections.into_iter().flat_map(|section| {
            let [new, old] = [self, old].map(|it| it.sections.get(section).unwrap_or(&none.0));
            let is_input = *section == Section::Input;
            let pending = if is_input { pending } else { &none.1 };
            difference::of_section(section, old, new, pending)
        });
        differences.collect()
    }
}

/// Writes the lines of a section.
fn write_lines(to: &mut impl fmt::Write, section: &Section, lines: &Lines) -> fmt::Result {
    let section = section.name();
    // Without a macro for each line, in a third of the time.
    for (name, value) in lines {
        to.write_str(section)?;
        if !name.is_empty() {
            to.write_str(" ")?;
            to.write_str(name)?;
        }
        to.write_str(" = ")?;
        to.write_str(value)?;
        to.write_str("\n")?;
    }
    Ok(())
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (section, lines) in &self.sections {
            write_lines(f, section, lines)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
