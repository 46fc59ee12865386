//! Observations: everything that a decision depends on, looked at in an order that looks at nothing in vain.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keys::inputs::{Content, Found, InputState, Inputs, Resolved, resolve};
use keys::lock::Locked;
use keys::manifest::Manifest;
use ledger::check_stamp;
use serde_json::Value;
use store::{Digest, Record};
use workflow::graph::{Graph, InstanceId};
use workflow::instance::{Input, Instance, Output, Target};

use crate::decide::{OutputState, Snapshot, is_in_place};
use crate::error::Result;
use crate::predicted::Predicted;

/// Answers questions about disk, lock, cache and environment. Paths are from the workspace root, or absolute.
pub trait Observe {
    /// Lines of the manifest for the code of an instance; none for a foreign command.
    ///
    /// # Errors
    /// Its binary isn't declared, or a file cannot be read.
    fn code(&mut self, instance: &Instance) -> Result<Manifest>;

    /// The digest of the binary that this run has built for an instance; none where it hasn't.
    ///
    /// # Errors
    /// The binary cannot be read.
    fn binary(&mut self, instance: &Instance) -> Result<Option<Digest>>;

    /// The value of an environment variable.
    fn variable(&self, name: &str) -> Option<OsString>;

    /// The content at `path`; none where nothing is.
    ///
    /// # Errors
    /// It cannot be read.
    fn content(&mut self, path: &Path) -> Result<Option<Content>>;

    /// Returns whether something is at `path`.
    fn exists(&self, path: &Path) -> bool;

    /// Files and folders that match `pattern`, sorted.
    ///
    /// # Errors
    /// A folder cannot be listed.
    fn matching(&self, pattern: &str) -> Result<Vec<PathBuf>>;

    /// The entry of `pipeline.lock` for an instance.
    fn locked(&self, instance: &str) -> Option<Arc<Locked>>;

    /// The record in the cache under a key.
    fn record(&self, key: &Digest) -> Option<Record>;

    /// Returns whether the cache has a content.
    fn is_stored(&self, content: &Digest) -> bool;

    /// Returns whether a content has passed a check.
    fn has_passed(&self, check: &Value, content: &Digest) -> bool;
}

/// Everything that the decision on an instance depends on, given the predicted outputs of those before it.
///
/// # Errors
/// A file cannot be read, or cargo fails.
pub fn snapshot<'g>(
    graph: &'g Graph,
    id: InstanceId,
    predicted: &Predicted,
    is_forced: bool,
    observe: &mut dyn Observe,
) -> Result<Snapshot<'g>> {
    let instance = &*graph.instances[id];
    let mut snapshot = Snapshot {
        instance,
        is_forced,
        resolved: None,
        locked: observe.locked(&instance.name),
        last: None,
        outputs: BTreeMap::new(),
        cached: None,
        binary: None,
        stored: BTreeSet::new(),
        unchecked: Vec::new(),
        waits_for: Vec::new(),
    };
    if instance.rules.is_frozen {
        snapshot.outputs = places(instance, snapshot.locked.as_deref(), observe);
        return Ok(snapshot);
    }
    let resolved = resolved(graph, id, predicted, observe)?;
    let name = |id: InstanceId| graph.instances[id].name.clone();
    match &resolved {
        Resolved::Missing { .. } => {}
        Resolved::Pending(partial) => {
            let names: BTreeSet<String> = partial.on().into_iter().map(name).collect();
            snapshot.waits_for = names.into_iter().collect();
            if snapshot.runs_anyway().is_none() {
                snapshot.last = last(&snapshot, observe);
            }
        }
        Resolved::Known(derivation) => {
            let before = graph.before[id].iter().copied();
            let undecided = before.filter(|above| predicted.is_undecided(*above));
            snapshot.waits_for = undecided.map(name).collect();
            if snapshot.runs_anyway().is_none() {
                add_results(&mut snapshot, &derivation.key, observe)?;
            }
        }
    }
    snapshot.resolved = Some(resolved);
    Ok(snapshot)
}

/// Adds outputs and records, as far as they can change the decision on a key.
fn add_results(snapshot: &mut Snapshot<'_>, key: &Digest, observe: &mut dyn Observe) -> Result<()> {
    let instance = snapshot.instance;
    match snapshot.locked_under(key).cloned() {
        None => snapshot.last = last(snapshot, observe),
        Some(locked) => {
            snapshot.outputs = outputs(instance, observe)?;
            if snapshot.misplaced(&locked).is_empty() {
                let has_passed =
                    |check: &Value, content: &Digest| observe.has_passed(check, content);
                snapshot.unchecked = check_stamp::unchecked(instance, &locked.outputs, has_passed);
                return Ok(());
            }
        }
    }
    snapshot.cached = whole_record(instance, key, observe);
    if snapshot.cached.is_none() {
        add_binary(snapshot, observe)?;
    }
    Ok(())
}

/// Adds the binary and, if it made the last result, the state of that result's outputs.
fn add_binary(snapshot: &mut Snapshot<'_>, observe: &mut dyn Observe) -> Result<()> {
    let Some(last) = snapshot.last.as_ref().filter(|last| last.binary.is_some()) else {
        return Ok(());
    };
    snapshot.binary = observe.binary(snapshot.instance)?;
    if snapshot.binary != last.binary {
        return Ok(());
    }
    snapshot.outputs = outputs(snapshot.instance, observe)?;
    for (&name, state) in &snapshot.outputs {
        let recorded = last.outputs.get(name);
        let is_stored = |content| observe.is_stored(content);
        if !is_in_place(state, recorded) && recorded.is_some_and(is_stored) {
            snapshot.stored.insert(name.to_owned());
        }
    }
    Ok(())
}

/// The record of the last result.
fn last(snapshot: &Snapshot<'_>, observe: &dyn Observe) -> Option<Record> {
    observe.record(&snapshot.locked.as_ref()?.key)
}

/// The outputs of a frozen instance, of which only missing ones matter.
fn places<'g>(
    instance: &'g Instance,
    locked: Option<&Locked>,
    observe: &dyn Observe,
) -> BTreeMap<&'g str, OutputState> {
    let states = instance.outputs.iter().map(|(name, output)| {
        if observe.exists(&output.path) {
            return (name.as_str(), OutputState::Present(None));
        }
        let last = locked.and_then(|locked| locked.outputs.get(name).copied());
        let stored = last.filter(|content| observe.is_stored(content));
        (name.as_str(), OutputState::Missing { stored })
    });
    states.collect()
}

/// The outputs with their contents. Of volatile ones, only their presence matters.
///
/// # Errors
/// One cannot be read.
pub(crate) fn outputs<'g>(
    instance: &'g Instance,
    observe: &mut dyn Observe,
) -> Result<BTreeMap<&'g str, OutputState>> {
    let states = instance.outputs.iter();
    let states = states.map(|(name, output)| Ok((name.as_str(), output_state(output, observe)?)));
    states.collect()
}

fn output_state(output: &Output, observe: &mut dyn Observe) -> Result<OutputState> {
    const MISSING: OutputState = OutputState::Missing { stored: None };
    if output.treatment.is_volatile {
        let is_there = observe.exists(&output.path);
        return Ok(if is_there {
            OutputState::Present(None)
        } else {
            MISSING
        });
    }
    match observe.content(&output.path) {
        Ok(Some(content)) => Ok(OutputState::Present(content.digest)),
        Ok(None) => Ok(MISSING),
        // A link to nothing.
        Err(_) if !observe.exists(&output.path) => Ok(MISSING),
        Err(error) => Err(error),
    }
}

/// The record under `key`, if each output can be restored or stands in its place.
fn whole_record(instance: &Instance, key: &Digest, observe: &mut dyn Observe) -> Option<Record> {
    let record = observe.record(key)?;
    let is_whole = instance.outputs.iter().all(|(name, output)| {
        let Some(digest) = record.outputs.get(name) else {
            return false;
        };
        observe.is_stored(digest)
            || !output.treatment.is_cached && has(&output.path, digest, observe)
    });
    is_whole.then_some(record)
}

/// Returns whether the content at `path` is `digest`.
fn has(path: &Path, digest: &Digest, observe: &mut dyn Observe) -> bool {
    let content = observe.content(path).ok().flatten();
    content.is_some_and(|content| content.digest == Some(*digest))
}

/// The key of an instance, as far as its inputs allow.
///
/// # Errors
/// A file cannot be read, or cargo fails.
pub(crate) fn resolved(
    graph: &Graph,
    id: InstanceId,
    predicted: &Predicted,
    observe: &mut dyn Observe,
) -> Result<Resolved> {
    let instance = &graph.instances[id];
    let code = observe.code(instance)?;
    let variables = instance.env.iter();
    let environment = variables.map(|name| (name.clone(), observe.variable(name)));
    let environment = environment.collect();
    let mut search = Search {
        graph,
        id,
        predicted,
        observe,
    };
    let inputs = instance.inputs.iter();
    let states = inputs.map(|(name, input)| Ok((name.clone(), search.find(input)?)));
    let inputs = Inputs {
        states: states.collect::<Result<_>>()?,
        code,
        environment,
    };
    Ok(resolve(instance, inputs))
}

/// The search for the inputs of an instance.
struct Search<'a> {
    graph: &'a Graph,
    id: InstanceId,
    predicted: &'a Predicted,
    observe: &'a mut dyn Observe,
}

impl Search<'_> {
    fn find(&mut self, input: &Input) -> Result<InputState> {
        match &input.target {
            Target::Absent => Ok(InputState::Found(Found::Absent)),
            Target::Path(path) => self.at(path),
            Target::Glob(pattern) => self.matching(pattern),
        }
    }

    /// Declared outputs that match, else files on disk; at least one.
    fn matching(&mut self, pattern: &str) -> Result<InputState> {
        let declared = self.graph.outputs_matching(pattern).into_iter();
        let mut paths: Vec<PathBuf> = declared.map(Path::to_owned).collect();
        if paths.is_empty() {
            if let Some(above) = self.undecided(|_| true) {
                return Ok(InputState::Pending(above));
            }
            paths = self.observe.matching(pattern)?;
        }
        if paths.is_empty() {
            return Ok(InputState::Missing(pattern.into()));
        }
        let mut files = Vec::new();
        let mut first = None;
        for path in &paths {
            match self.at(path)? {
                InputState::Found(found) => {
                    files.extend(found.contents().iter().cloned().map(Some))
                }
                InputState::Pending(above) => {
                    first.get_or_insert(above);
                    files.push(None);
                }
                other => return Ok(other),
            }
        }
        Ok(match first {
            Some(on) => InputState::PendingFiles { on, files },
            None => InputState::Found(Found::Many(files.into_iter().flatten().collect())),
        })
    }

    fn at(&mut self, path: &Path) -> Result<InputState> {
        let found = |content| InputState::Found(Found::One(content));
        let unseen = |digest| Content {
            path: path.to_owned(),
            digest,
            seen: None,
        };
        if let Some((producer, name)) = self.graph.producer(path) {
            let output = &self.graph.instances[producer].outputs[name];
            if output.treatment.is_volatile {
                return Ok(found(unseen(None)));
            }
            if let Some(digest) = self.predicted.restored(path) {
                return Ok(found(unseen(Some(digest))));
            }
        }
        // Of the instances before it, those with an output around or below the path.
        let touches =
            |output: &Output| output.path.starts_with(path) || path.starts_with(&output.path);
        if let Some(above) = self.undecided(touches) {
            return Ok(InputState::Pending(above));
        }
        Ok(match self.observe.content(path)? {
            Some(content) => found(content),
            None => InputState::Missing(path.to_owned()),
        })
    }

    /// The first instance whose outputs it reads that is undecided and has such an output.
    fn undecided(&self, is_meant: impl Fn(&Output) -> bool) -> Option<InstanceId> {
        let mut upstream = self.graph.upstream[self.id].iter().copied();
        upstream.find(|above| {
            let mut outputs = self.graph.instances[*above].outputs.values();
            self.predicted.is_undecided(*above) && outputs.any(&is_meant)
        })
    }
}

#[cfg(test)]
mod tests;
