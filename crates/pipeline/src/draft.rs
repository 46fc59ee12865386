//! The manifest of an instance, with what its inputs are or will be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::{Digest, Seen};
use workflow::declaration::{Action, Treatment};
use workflow::instance::{Input, Instance, Target};

use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::on_disk;
use crate::plan::Decision;
use crate::workspace::Workspace;

/// A manifest in the making.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) manifest: Manifest,
    pub(crate) inputs: BTreeMap<String, Found>,
    /// Instances that make an input.
    pub(crate) pending: BTreeSet<String>,
    /// An input that nobody makes.
    pub(crate) missing: Option<PathBuf>,
}

impl Draft {
    fn note(&mut self, name: &str, found: &Found) {
        let text = |content: &Content| match content.digest {
            Some(digest) => digest.to_string(),
            None => "volatile".to_owned(),
        };
        match found {
            Found::Absent => self.manifest.add("input", name, "none"),
            Found::One(content) => self.manifest.add("input", name, text(content)),
            Found::Many(contents) => {
                for (number, content) in contents.iter().enumerate() {
                    self.manifest
                        .add("input", &format!("{name}.{number:04}"), text(content));
                }
            }
        }
    }
}

/// What an input is at the moment.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    Absent,
    One(Content),
    Many(Vec<Content>),
}

/// A file or folder that an input refers to.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// From the workspace root, or absolute.
    pub(crate) path: PathBuf,
    /// None for a volatile output, which decides nothing.
    pub(crate) digest: Option<Digest>,
    /// As it was when it had this digest; none for what isn't in its place yet.
    pub(crate) seen: Option<Seen>,
}

impl Found {
    pub(crate) fn contents(&self) -> &[Content] {
        match self {
            Found::Absent => &[],
            Found::One(content) => std::slice::from_ref(content),
            Found::Many(contents) => contents,
        }
    }
}

/// What the outputs of instances planned so far will be, where it isn't what
/// is on disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Foreseen {
    /// Digest of an output that would be restored, by path.
    restored: BTreeMap<PathBuf, Digest>,
    /// Instances whose outputs nobody knows yet, or only in parts.
    unsure: BTreeMap<usize, String>,
}

impl Foreseen {
    /// The instances among `before` whose results are still to be made.
    pub(crate) fn unsure_of(&self, before: &BTreeSet<usize>) -> impl Iterator<Item = &str> {
        { before.iter() }.filter_map(|at| self.unsure.get(at).map(String::as_str))
    }

    /// Takes note of an instance that is running.
    pub(crate) fn note_running(&mut self, at: usize, instance: &Instance) {
        self.unsure.insert(at, instance.name.clone());
    }

    /// Takes note of a decision that won't be carried out now.
    pub(crate) fn note(&mut self, at: usize, instance: &Instance, decision: &Decision) {
        match decision {
            Decision::UpToDate { .. } => {}
            Decision::Frozen { missing } => {
                let paths = missing.iter();
                let paths =
                    paths.map(|(name, digest)| (instance.outputs[name].path.clone(), *digest));
                self.restored.extend(paths);
            }
            Decision::Restore { record, .. } => {
                let known = instance.outputs.iter();
                let known = known.filter_map(|(name, output)| {
                    Some((output.path.clone(), *record.outputs.get(name)?))
                });
                self.restored.extend(known);
                self.unsure.insert(at, instance.name.clone());
            }
            _ => {
                self.unsure.insert(at, instance.name.clone());
            }
        }
    }
}

impl Workspace {
    /// The manifest with digests as far as they are known.
    pub(crate) fn draft(&mut self, at: usize, foreseen: &Foreseen) -> Result<Draft> {
        let instance = Arc::clone(&self.workflow.graph.instances[at]);
        let mut draft = Draft {
            manifest: self.code(&instance)?,
            ..Draft::default()
        };
        match &instance.action {
            Action::Run(run) => draft.manifest.add("command", "run", run.as_str()),
            Action::Command(texts) => {
                let value = match texts.as_slice() {
                    [text] => serde_json::Value::from(text.as_str()),
                    texts => serde_json::Value::from(texts),
                };
                draft.manifest.add("command", "cmd", value.to_string());
            }
        }
        for (name, value) in &instance.params {
            draft.manifest.add_param(name, value);
        }
        for name in &instance.env {
            draft.manifest.add("env", name, env_value(name));
        }
        for (name, output) in &instance.outputs {
            let kind = match output.treatment {
                Treatment { is_kept: true, .. } => "continued",
                Treatment {
                    is_volatile: true, ..
                } => "volatile",
                _ => "kept",
            };
            draft.manifest.add("output", name, kind);
        }
        for (name, input) in &instance.inputs {
            match self.find(at, input, foreseen) {
                Ok(found) => {
                    draft.note(name, &found);
                    draft.inputs.insert(name.clone(), found);
                }
                Err(Lack::Pending(by)) => {
                    draft.manifest.add_pending(name);
                    draft.pending.insert(by);
                }
                Err(Lack::Missing(path)) => draft.missing = Some(path),
                Err(Lack::Other(error)) => return Err(error),
            }
        }
        Ok(draft)
    }

    fn find(&mut self, at: usize, input: &Input, foreseen: &Foreseen) -> Result<Found, Lack> {
        match &input.target {
            Target::Absent => Ok(Found::Absent),
            Target::Path(path) => Ok(Found::One(self.content(at, path, foreseen)?)),
            Target::Glob(pattern) => {
                let paths = self.matches(at, pattern, foreseen)?;
                let contents = paths.iter().map(|path| self.content(at, path, foreseen));
                contents.collect::<Result<_, _>>().map(Found::Many)
            }
        }
    }

    /// Declared outputs that match, else what is on disk; at least one.
    fn matches(&self, at: usize, pattern: &str, foreseen: &Foreseen) -> Result<Vec<PathBuf>, Lack> {
        let declared = self.workflow.graph.outputs_matching(pattern);
        if !declared.is_empty() {
            return Ok(declared.into_iter().map(Path::to_owned).collect());
        }
        let mut upstream = self.workflow.graph.upstream[at].iter();
        if let Some(by) = upstream.find_map(|above| foreseen.unsure.get(above)) {
            return Err(Lack::Pending(by.clone()));
        }
        let found = on_disk::matching(&self.workflow.root, pattern).map_err(Error::from)?;
        if found.is_empty() {
            Err(Lack::Missing(pattern.into()))
        } else {
            Ok(found)
        }
    }

    fn content(&mut self, at: usize, path: &Path, foreseen: &Foreseen) -> Result<Content, Lack> {
        let content = |digest, seen| Content {
            path: path.to_owned(),
            digest,
            seen,
        };
        if let Some((producer, name)) = self.workflow.graph.producer(path) {
            if self.workflow.graph.instances[producer].outputs[name]
                .treatment
                .is_volatile
            {
                return Ok(content(None, None));
            }
            if let Some(digest) = foreseen.restored.get(path) {
                return Ok(content(Some(*digest), None));
            }
        }
        // Only what touches the path concerns this input.
        let touches = |above: &usize| {
            let outputs = self.workflow.graph.instances[*above].outputs.values();
            { outputs }
                .any(|output| output.path.starts_with(path) || path.starts_with(&output.path))
        };
        let mut upstream = self.workflow.graph.upstream[at]
            .iter()
            .filter(|above| touches(above));
        if let Some(by) = upstream.find_map(|above| foreseen.unsure.get(above)) {
            return Err(Lack::Pending(by.clone()));
        }
        match self.look_at(path) {
            Ok(seen) => Ok(content(Some(seen.digest), Some(seen))),
            Err(store::Error::NotFound { .. }) => Err(Lack::Missing(path.to_owned())),
            Err(error) => Err(Lack::Other(error.into())),
        }
    }
}

/// The value of an environment variable as a word of JSON.
fn env_value(name: &str) -> String {
    match std::env::var_os(name) {
        Some(value) => serde_json::Value::from(value.to_string_lossy()).to_string(),
        None => "unset".into(),
    }
}

/// Why an input has no digest.
enum Lack {
    Missing(PathBuf),
    Pending(String),
    Other(Error),
}

impl From<Error> for Lack {
    fn from(error: Error) -> Self {
        Lack::Other(error)
    }
}
