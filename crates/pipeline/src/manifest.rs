//! Everything that an instance's result depends on, as text: its hash is the key that
//! decides, and the difference of two texts is the explanation.
//!
//! A line is `section name = value`, the lines are sorted. Sections:
//! `command` (crate and binary, or shell text), `param`, `env` (an environment
//! variable), `input` (digest of the content), `output` (the name alone), `code` (a file of the closure),
//! `crate` and `package` (what cargo links, with features), `build` (compiler
//! and profile). No time, and no path of an input or output, is part of it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use store::Digest;
use workflow::json::canonical;

mod difference;

pub use difference::{Difference, Entry};

/// A kind of lines. Ordered by name, as the lines of the text are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Section {
    /// Compiler and profile.
    Build,
    /// A file of the binary's code.
    Code,
    /// Crate and binary, or shell text.
    Command,
    /// A crate of the workspace, with its features.
    Crate,
    /// Accelerator and machine, in the key of a device check.
    Device,
    /// An environment variable.
    Env,
    /// Digest of an input.
    Input,
    /// An output and its treatment.
    Output,
    /// A dependency from a registry.
    Package,
    /// A parameter.
    Param,
    /// A section of another version of the runner.
    Other(String),
}

impl Section {
    /// Known sections, in the order in which differences are reported: edits by a person come before their consequences.
    const REPORTED: [Section; 10] = [
        Section::Command,
        Section::Param,
        Section::Env,
        Section::Input,
        Section::Output,
        Section::Code,
        Section::Crate,
        Section::Package,
        Section::Build,
        Section::Device,
    ];

    /// The first word of its lines.
    pub fn name(&self) -> &str {
        match self {
            Section::Build => "build",
            Section::Code => "code",
            Section::Command => "command",
            Section::Crate => "crate",
            Section::Device => "device",
            Section::Env => "env",
            Section::Input => "input",
            Section::Output => "output",
            Section::Package => "package",
            Section::Param => "param",
            Section::Other(name) => name,
        }
    }

    fn named(name: &str) -> Self {
        let known = { Section::REPORTED.into_iter() }.find(|known| known.name() == name);
        known.unwrap_or_else(|| Section::Other(name.to_owned()))
    }

    /// Whether its lines describe the code of a stage, or how that is compiled.
    pub(crate) fn is_of_code(&self) -> bool {
        matches!(
            self,
            Section::Code | Section::Crate | Section::Package | Section::Build
        )
    }

    fn rank(&self) -> usize {
        let mut known = Section::REPORTED.iter();
        known
            .position(|known| known == self)
            .unwrap_or(Section::REPORTED.len())
    }
}

impl Ord for Section {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for Section {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The lines of a section: values by name.
type Lines = BTreeMap<String, String>;

/// The readable manifest of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    sections: BTreeMap<Section, Lines>,
}

impl Manifest {
    /// Adds a line. Values with line breaks must be encoded by the caller.
    pub(crate) fn add(&mut self, section: Section, name: &str, value: impl Into<String>) {
        let name = name.replace('=', "\\x3d").replace('\n', "\\n");
        let lines = self.sections.entry(section).or_default();
        lines.insert(name.trim_end().to_owned(), value.into());
    }

    /// Adds the param `name`; a table one line a key, so that differences are small.
    pub(crate) fn add_param(&mut self, name: &str, value: &Value) {
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
        Digest::of_bytes(self.to_string().as_bytes())
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
    pub(crate) fn command(&self) -> Option<&str> {
        let lines = self.sections.get(&Section::Command)?;
        let command = lines.get("run").or_else(|| lines.get("cmd"));
        command.map(String::as_str)
    }

    /// The manifest reduced to one section.
    pub(crate) fn only(&self, section: Section) -> Self {
        let lines = self.sections.get(&section).cloned();
        Manifest {
            sections: lines.map(|lines| (section, lines)).into_iter().collect(),
        }
    }

    /// The names and values of a section.
    pub(crate) fn section(&self, section: &Section) -> BTreeMap<String, String> {
        self.sections.get(section).cloned().unwrap_or_default()
    }

    /// The hash of the sections of code; none for a foreign command.
    pub(crate) fn code(&self) -> Option<Digest> {
        let sections = self.sections.iter();
        let sections = sections.filter(|(section, _)| section.is_of_code());
        let text: String = sections
            .map(|(section, lines)| text(section, lines))
            .collect();
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

/// The lines of a section as text.
fn text(section: &Section, lines: &Lines) -> String {
    let section = section.name();
    let lines = lines.iter().map(|(name, value)| match name.as_str() {
        "" => format!("{section} = {value}\n"),
        name => format!("{section} {name} = {value}\n"),
    });
    lines.collect()
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (section, lines) in &self.sections {
            f.write_str(&text(section, lines))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
