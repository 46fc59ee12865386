//! Sections of a manifest.

use std::cmp::Ordering;
use std::collections::BTreeMap;

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
    /// Known sections, in the order in which differences are reported: edits by a person come before their
    /// consequences.
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

    pub(super) fn named(name: &str) -> Self {
        let known = { Section::REPORTED.into_iter() }.find(|known| known.name() == name);
        known.unwrap_or_else(|| Section::Other(name.to_owned()))
    }

    /// Returns whether its lines describe the code of a stage, or its compilation.
    pub fn is_of_code(&self) -> bool {
        matches!(
            self,
            Section::Code | Section::Crate | Section::Package | Section::Build
        )
    }

    pub(super) fn rank(&self) -> usize {
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
pub(super) type Lines = BTreeMap<String, String>;
