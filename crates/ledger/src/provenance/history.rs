//! Records of a run in the list of runs, the lock and the cache.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use keys::lock::Lock;
use keys::manifest::{Manifest, Section};
use keys::on_disk;
use serde_json::Value;
use store::{Digest, Record};
use workflow::Workflow;
use workflow::instance::Target;
use workflow::params;

use crate::FOLDER;
use crate::runs::{FileRef, Run};
use crate::source_lock::SourceLock;

/// Past runs and sources.
pub(super) struct History {
    /// All runs, the youngest first.
    pub(super) runs: Vec<Run>,
    pub(super) sources: SourceLock,
    /// Results that are listed already.
    pub(super) seen: BTreeSet<(String, Option<Digest>)>,
}

impl History {
    /// The last success under a key.
    pub(super) fn run(&self, key: &Digest) -> Option<&Run> {
        let mut runs = self.runs.iter().filter(|run| run.is_success());
        runs.find(|run| run.key == *key)
    }

    /// The last run that made a content, and the output that it was.
    pub(super) fn producer_of(&self, content: &Digest) -> Option<(&Run, &FileRef)> {
        let mut runs = self.runs.iter();
        runs.find_map(|run| {
            let mut outputs = run.outputs.iter();
            let part = outputs.find(|part| part.content == Some(*content))?;
            Some((run, part))
        })
    }
}

/// Inputs of a run, from the list of runs, else from the lock, else from the cache.
pub(super) fn parts(
    workflow: &Workflow,
    lock: &Lock,
    (stage, key): (&str, Option<Digest>),
    run: Option<&Run>,
    record: Option<&Record>,
) -> Vec<FileRef> {
    if let Some(run) = run.filter(|run| !run.inputs.is_empty()) {
        return { run.inputs.iter() }
            .map(|part| here(workflow, run, part))
            .collect();
    }
    let part = |name: &str, path: PathBuf, content| FileRef {
        name: name.to_owned(),
        path,
        content,
    };
    let locked = lock.get(stage);
    let locked = locked.filter(|locked| Some(locked.key) == key);
    let mut instances = workflow.graph.instances.iter();
    let instance = instances.find(|instance| instance.name == stage);
    if let (Some(locked), Some(instance)) = (locked, instance) {
        let parts = instance.inputs.iter().flat_map(|(name, input)| {
            let contents = locked.inputs.get(name).cloned().unwrap_or_default();
            let paths = paths(workflow, &input.target);
            let contents = contents
                .into_iter()
                .map(Some)
                .chain(std::iter::repeat(None));
            let parts = paths.into_iter().zip(contents);
            parts.map(move |(path, content)| part(name, path, content))
        });
        return parts.collect();
    }
    let Some(record) = record else {
        return Vec::new();
    };
    let inputs = Manifest::read(&record.manifest)
        .section(&Section::Input)
        .into_iter();
    let parts = inputs.filter_map(|(name, content)| {
        let content = content.parse().ok()?;
        Some(part(&name, PathBuf::new(), Some(content)))
    });
    parts.collect()
}

/// A part of a run, which may have taken place in another state than this one, with its path in this one.
fn here(workflow: &Workflow, run: &Run, part: &FileRef) -> FileRef {
    let folder = run
        .state_folder
        .as_ref()
        .map(|folder| Path::new(FOLDER).join(folder));
    let path = match folder.and_then(|folder| Some(part.path.strip_prefix(folder).ok()?.to_owned()))
    {
        Some(path) => path,
        None => part.path.clone(),
    };
    let of_this = workflow.state_folder().map(|folder| folder.join(&path));
    let of_this = of_this.filter(|path| workflow.graph.is_made(path));
    FileRef {
        path: of_this.unwrap_or(path),
        ..part.clone()
    }
}

/// The paths that an input means now.
fn paths(workflow: &Workflow, target: &Target) -> Vec<PathBuf> {
    match target {
        Target::Absent => Vec::new(),
        Target::Path(path) => vec![path.clone()],
        Target::Glob(pattern) => {
            let declared = workflow.graph.outputs_matching(pattern);
            if declared.is_empty() {
                return on_disk::matching(&workflow.root, pattern).unwrap_or_default();
            }
            declared.into_iter().map(Path::to_owned).collect()
        }
    }
}

/// Command of a run.
pub(super) fn command(run: Option<&Run>, manifest: &Manifest) -> Vec<String> {
    if let Some(run) = run.filter(|run| !run.command.is_empty()) {
        return run.command.clone();
    }
    let Some(command) = manifest.command() else {
        return Vec::new();
    };
    match serde_json::from_str(command) {
        Ok(Value::String(text)) => vec![text],
        Ok(Value::Array(texts)) => {
            let texts = texts.iter().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        }
        _ => vec![command.to_owned()],
    }
}

/// Parameters of a run.
pub(super) fn given(run: Option<&Run>, manifest: &Manifest) -> BTreeMap<String, Value> {
    if let Some(run) = run.filter(|run| !run.params.is_empty()) {
        return run.params.clone();
    }
    let params = manifest.section(&Section::Param).into_iter();
    params
        .map(|(name, text)| (name, params::read_canonical(&text)))
        .collect()
}
