//! Resolved inputs of an instance, and its key.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use serde_json::Value;
use store::{Digest, Seen};
use workflow::declaration::{Action, Treatment};
use workflow::graph::InstanceId;
use workflow::instance::{Instance, Output};

use crate::lock::Locked;
use crate::manifest::{Difference, Manifest, Section};

/// Everything outside of `pipeline.toml` and `params.toml` that a result depends on.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// Lines of the binary's code; none for a foreign command.
    pub code: Manifest,
    /// Declared environment variables; none where one isn't set.
    pub environment: BTreeMap<String, Option<OsString>>,
    /// Declared inputs.
    pub states: BTreeMap<String, InputState>,
}

/// State of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputState {
    /// Its content is known.
    Found(Found),
    /// This instance, still to run, decides on its content.
    Pending(InstanceId),
    /// The files of a pattern, of which some are still to be made.
    PendingFiles {
        /// The first instance that decides on one.
        on: InstanceId,
        /// None where one is to be made.
        files: Vec<Option<Content>>,
    },
    /// Nothing is at this path or pattern, and no instance makes it.
    Missing(PathBuf),
}

/// Content of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// An optional input that isn't there.
    Absent,
    /// A file or folder.
    One(Content),
    /// The matches of a pattern.
    Many(Vec<Content>),
}

/// A file or folder that an input refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// From the workspace root, or absolute.
    pub path: PathBuf,
    /// None for a volatile output, which decides nothing.
    pub digest: Option<Digest>,
    /// Its state when it had this digest; none for a file that isn't in its place yet.
    pub seen: Option<Seen>,
}

impl Content {
    /// The value of its line in a manifest.
    fn value(&self) -> String {
        match self.digest {
            Some(digest) => digest.to_string(),
            None => "volatile".to_owned(),
        }
    }
}

impl Found {
    /// Files and folders.
    pub fn contents(&self) -> &[Content] {
        match self {
            Found::Absent => &[],
            Found::One(content) => std::slice::from_ref(content),
            Found::Many(contents) => contents,
        }
    }

    /// Adds the lines of the input `name`.
    fn add_to(&self, manifest: &mut Manifest, name: &str) {
        match self {
            Found::Absent => manifest.add(Section::Input, name, "none"),
            Found::One(content) => manifest.add(Section::Input, name, content.value()),
            Found::Many(contents) => {
                for (number, content) in contents.iter().enumerate() {
                    manifest.add(Section::Input, &file_entry(name, number), content.value());
                }
            }
        }
    }
}

/// An instance's key, and where it comes from.
#[derive(Debug, Clone)]
pub struct Derivation {
    /// The hash of the manifest.
    pub key: Digest,
    /// Everything that the result depends on.
    pub manifest: Manifest,
    /// Resolved paths and digests of the inputs.
    pub inputs: BTreeMap<String, Found>,
}

impl Derivation {
    /// The entry of `pipeline.lock` for a result with these outputs.
    pub fn locked(&self, instance: &Instance, outputs: &BTreeMap<String, Digest>) -> Locked {
        let inputs = self.inputs.iter().map(|(name, found)| {
            let digests = found.contents().iter();
            let digests: Vec<Digest> = digests.filter_map(|content| content.digest).collect();
            (name.clone(), digests)
        });
        // Absent and volatile inputs have no digest.
        let inputs = inputs.filter(|(_, digests)| !digests.is_empty());
        let is_recorded = |output: &Output| !output.treatment.is_volatile;
        let recorded = { outputs.iter() }
            .filter(|(name, _)| instance.outputs.get(*name).is_some_and(is_recorded));
        Locked {
            key: self.key,
            inputs: inputs.collect(),
            outputs: { recorded }
                .map(|(name, digest)| (name.clone(), *digest))
                .collect(),
        }
    }
}

/// A manifest without the lines of inputs whose content isn't known yet.
#[derive(Debug, Clone)]
pub struct Partial {
    /// The lines that are known.
    pub known: Manifest,
    /// Lines of inputs to be made, with the instance that decides on each.
    pub pending: BTreeMap<String, InstanceId>,
}

impl Partial {
    /// Instances that decide on an input.
    pub fn on(&self) -> BTreeSet<InstanceId> {
        self.pending.values().copied().collect()
    }

    /// Differences from the manifest `old`. An input to be made is one only if `old` doesn't have it.
    pub fn differences(&self, old: &Manifest) -> Vec<Difference> {
        let pending = self.pending.keys().map(String::as_str).collect();
        self.known.differences_while(old, &pending)
    }
}

/// For people; not a text that a key is made from.
impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut manifest = self.known.clone();
        for name in self.pending.keys() {
            manifest.add(Section::Input, name, "to be made");
        }
        manifest.fmt(f)
    }
}

/// An instance's key, as far as its inputs allow.
#[derive(Debug, Clone)]
pub enum Resolved {
    /// All inputs are there.
    Known(Derivation),
    /// Inputs are still to be made.
    Pending(Partial),
    /// An input is missing that no instance makes.
    Missing {
        /// Path or pattern.
        path: PathBuf,
        /// The manifest without it.
        partial: Partial,
    },
}

impl Resolved {
    /// Differences from the manifest `old`.
    pub fn differences(&self, old: &Manifest) -> Vec<Difference> {
        match self {
            Resolved::Known(derivation) => derivation.manifest.differences(old),
            Resolved::Pending(partial) | Resolved::Missing { partial, .. } => {
                partial.differences(old)
            }
        }
    }
}

/// The manifest, for people.
impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resolved::Known(derivation) => derivation.manifest.fmt(f),
            Resolved::Pending(partial) | Resolved::Missing { partial, .. } => partial.fmt(f),
        }
    }
}

/// The manifest and key of `instance` with these inputs. Of several missing inputs, the last by name is reported.
pub fn resolve(instance: &Instance, inputs: Inputs) -> Resolved {
    let Inputs {
        code: mut manifest,
        environment,
        states,
    } = inputs;
    add_declared(&mut manifest, instance);
    for (name, value) in &environment {
        let value = match value {
            Some(value) => Value::from(value.to_string_lossy()).to_string(),
            None => "unset".to_owned(),
        };
        manifest.add(Section::Env, name, value);
    }
    let (mut inputs, mut pending, mut missing) = (BTreeMap::new(), BTreeMap::new(), None);
    for (name, state) in states {
        match state {
            InputState::Found(found) => {
                found.add_to(&mut manifest, &name);
                inputs.insert(name, found);
            }
            InputState::Pending(id) => {
                pending.insert(name, id);
            }
            InputState::PendingFiles { on, files } => {
                for (number, file) in files.iter().enumerate() {
                    let entry = file_entry(&name, number);
                    match file {
                        Some(content) => manifest.add(Section::Input, &entry, content.value()),
                        None => {
                            pending.insert(entry, on);
                        }
                    }
                }
            }
            InputState::Missing(path) => missing = Some(path),
        }
    }
    if pending.is_empty() && missing.is_none() {
        return Resolved::Known(Derivation {
            key: manifest.key(),
            manifest,
            inputs,
        });
    }
    let partial = Partial {
        known: manifest,
        pending,
    };
    match missing {
        None => Resolved::Pending(partial),
        Some(path) => Resolved::Missing { path, partial },
    }
}

/// The name of the line of a file that a pattern matches.
fn file_entry(input: &str, number: usize) -> String {
    format!("{input}.{number:04}")
}

/// Adds the lines of command, params and outputs.
fn add_declared(manifest: &mut Manifest, instance: &Instance) {
    match &instance.action {
        Action::Run(run) => manifest.add(Section::Command, "run", run.as_str()),
        Action::Command(texts) => {
            let value = match texts.as_slice() {
                [text] => serde_json::to_string(text),
                texts => serde_json::to_string(texts),
            };
            manifest.add(Section::Command, "cmd", value.expect("texts have JSON"));
        }
    }
    for (name, value) in &instance.params {
        manifest.add_param(name, value);
    }
    for (name, output) in &instance.outputs {
        let kind = match output.treatment {
            Treatment { is_kept: true, .. } => "continued",
            Treatment {
                is_volatile: true, ..
            } => "volatile",
            _ => "kept",
        };
        manifest.add(Section::Output, name, kind);
    }
}

#[cfg(test)]
mod tests;
