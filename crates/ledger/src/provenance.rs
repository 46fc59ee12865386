//! Provenance of a file: commands and inputs back to the sources.
//!
//! The lock has the results in the workspace, the cache their manifests, and the list of runs their times, machines and
//! paths. Each may have what another has lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use keys::lock::{Lock, Locked};
use keys::manifest::{Manifest, Section};
use keys::on_disk::rules_of;
use serde::Serialize;
use serde_json::Value;
use store::{Digest, Index, Store};
use walk::Rules;
use workflow::Workflow;
use workflow::glob;
use workflow::graph::InstanceId;
use workflow::instance::Target;
use workflow::path::normal;

use crate::error::{Error, Result};
use crate::runs::{FileRef, Run, RunLog};
use crate::source_lock::SourceLock;

mod history;

use history::{History, command, given, parts};

/// Origin of a file or folder.
#[derive(Debug, Clone, Serialize)]
pub struct Origin {
    /// From the workspace root, or absolute; none where it isn't recorded.
    pub path: Option<PathBuf>,
    /// The content that this is about; none for a by-product, which decides nothing.
    pub content: Option<Digest>,
    /// State of the path compared with the content.
    pub state: State,
    /// Run that made it; none for a source.
    pub made: Option<ProducedBy>,
    /// Path or URL that a source was imported from.
    pub from: Option<String>,
}

/// State of a path compared with a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It has the content.
    Unchanged,
    /// It has another.
    Changed,
    /// Nothing is there.
    Missing,
}

/// A run, or an accepted result.
#[derive(Debug, Clone, Serialize)]
pub struct ProducedBy {
    /// Instance.
    pub stage: String,
    /// The name of the output.
    pub output: Option<String>,
    /// The hash of its manifest; none where the result is no longer recorded.
    pub key: Option<Digest>,
    /// `crate/binary`, or texts for the shell.
    pub command: Vec<String>,
    /// Its parameters.
    pub params: BTreeMap<String, Value>,
    /// Environment variables that decided, and those that the runner set.
    pub environment: BTreeMap<String, String>,
    /// The hash of the code.
    pub code: Option<Digest>,
    /// Origin of a result that no run made.
    pub accepted: Option<String>,
    /// Its entry in the list of runs; none where it has none.
    pub run: Option<Run>,
    /// Its inputs, by name.
    pub inputs: Vec<Input>,
    /// True if its inputs are listed elsewhere, where the same run occurs first.
    pub is_repeated: bool,
}

/// An input of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Input {
    /// The name that the stage knows.
    pub name: String,
    /// Its origin.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Search for origins in the records and files of a workspace.
pub struct Tracer<'a> {
    workflow: &'a Workflow,
    lock: &'a Lock,
    store: Option<&'a Store>,
    index: &'a mut Index,
}

impl<'a> Tracer<'a> {
    /// A tracer over a workspace's lock, cache and index of files.
    pub fn new(
        workflow: &'a Workflow,
        lock: &'a Lock,
        store: Option<&'a Store>,
        index: &'a mut Index,
    ) -> Self {
        Tracer {
            workflow,
            lock,
            store,
            index,
        }
    }

    /// Origin of the file or folder at `path`.
    ///
    /// # Errors
    /// No stage makes or reads it, several make parts of it, or a file cannot be read.
    pub fn origin(&mut self, path: &Path) -> Result<Origin> {
        let path = normal(&self.workflow.root, &path.to_string_lossy());
        let content = match self.digest_of(&path) {
            Ok(content) => Some(content),
            Err(store::Error::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let mut history = History {
            runs: RunLog::new(&self.workflow.root).last(usize::MAX, |_| true)?,
            sources: SourceLock::load(&self.workflow.root)?,
            seen: BTreeSet::new(),
        };
        let producers = self.producers(&path);
        match producers.as_slice() {
            [] => self.of_external(&path, content, &mut history),
            [producer] if !path_holds(&path, &producer.path) => {
                let wanted = content.filter(|_| producer.path == path);
                // For an edited output, the origin is that of the output as it was made.
                let wanted =
                    wanted.filter(|wanted| self.made_by(producer, wanted, &history).is_some());
                self.origin_of(producer, &path, wanted, &mut history)
            }
            several => {
                let paths = several
                    .iter()
                    .map(|producer| producer.path.display().to_string());
                let outputs = paths.take(12).collect();
                Err(Error::AroundOutputs { path, outputs })
            }
        }
    }

    /// The digest of the file or folder at `path`, from the root, as manifests have it.
    fn digest_of(&mut self, path: &Path) -> store::Result<Digest> {
        let place = self.workflow.root.join(path);
        match rules_of(&self.workflow.graph, path) {
            Rules::Output => self.index.digest(&place),
            Rules::Source => self.index.digest_source(&place),
        }
    }

    /// The outputs at `path`, around it or in it.
    fn producers(&self, path: &Path) -> Vec<Producer> {
        let mut producers = Vec::new();
        for (id, instance) in self.workflow.graph.instances.with_ids() {
            for (name, output) in &instance.outputs {
                if output.path.starts_with(path) || path.starts_with(&output.path) {
                    producers.push(Producer {
                        id,
                        output: name.clone(),
                        path: output.path.clone(),
                    });
                }
            }
        }
        producers
    }

    /// The origin of an external file: a source, or a copy of an output.
    fn of_external(
        &mut self,
        path: &Path,
        content: Option<Digest>,
        history: &mut History,
    ) -> Result<Origin> {
        if self.is_read(path) {
            return Ok(self.source(path, content, history));
        }
        if let Some(content) = content
            && let Some((run, part)) = history.producer_of(&content)
        {
            let (run, output) = (run.clone(), part.name.clone());
            let made =
                self.produced_by(&run.stage.clone(), Some(run.key), Some(output), history)?;
            return Ok(Origin {
                path: Some(path.to_owned()),
                content: Some(content),
                state: State::Unchanged,
                made: Some(made),
                from: None,
            });
        }
        let outputs = self
            .workflow
            .graph
            .instances
            .iter()
            .flat_map(|i| i.outputs.values());
        let outputs: Vec<String> = outputs.map(|o| o.path.display().to_string()).collect();
        let hint = nearest_name::hint(&path.to_string_lossy(), outputs.iter().map(String::as_str));
        let path = path.to_owned();
        Err(Error::UnknownPath { path, hint })
    }

    /// Returns whether a stage reads the file or folder at `path`, or a part of it.
    fn is_read(&self, path: &Path) -> bool {
        let inputs = self
            .workflow
            .graph
            .instances
            .iter()
            .flat_map(|i| i.inputs.values());
        let mut targets = inputs.map(|input| &input.target);
        let text = path.to_string_lossy();
        targets.any(|target| match target {
            Target::Absent => false,
            Target::Path(read) => path.starts_with(read) || read.starts_with(path),
            Target::Glob(pattern) => glob::matches(pattern, &text),
        })
    }

    fn source(&mut self, path: &Path, content: Option<Digest>, history: &History) -> Origin {
        let tracked = history.sources.around(path);
        let from = tracked.and_then(|source| history.sources.from(source));
        Origin {
            state: self.state_of(path, content),
            path: Some(path.to_owned()),
            content,
            made: None,
            from: from.map(str::to_owned),
        }
    }

    fn state_of(&mut self, path: &Path, content: Option<Digest>) -> State {
        match (self.digest_of(path), content) {
            (Err(_), _) => State::Missing,
            (Ok(now), Some(content)) if now != content => State::Changed,
            (Ok(_), _) => State::Unchanged,
        }
    }

    /// The origin of an output, or of the file at `path` in it. `wanted` is the output's content if that is known.
    fn origin_of(
        &mut self,
        producer: &Producer,
        path: &Path,
        wanted: Option<Digest>,
        history: &mut History,
    ) -> Result<Origin> {
        let stage = self.workflow.graph.instances[producer.id].name.clone();
        let locked = self.lock.get(&stage);
        let last = locked.and_then(|locked| locked.outputs.get(&producer.output).copied());
        let key = locked.map(|locked| locked.key);
        let (stage, key, content) = match wanted {
            None => (stage, key, last),
            Some(wanted) => match self.made_by(producer, &wanted, history) {
                Some((stage, key)) => (stage, Some(key), Some(wanted)),
                None => (stage, None, Some(wanted)),
            },
        };
        let is_part = producer.path != path;
        let content = content.filter(|_| !is_part);
        Ok(Origin {
            state: match wanted.or(content) {
                None if is_part => self.state_of(&producer.path.clone(), last),
                _ => self.state_of(path, content),
            },
            path: Some(path.to_owned()),
            content,
            made: Some(self.produced_by(&stage, key, Some(producer.output.clone()), history)?),
            from: None,
        })
    }

    /// The instance and the key that made a content of an output: the last ones, else those of an earlier run.
    fn made_by(
        &self,
        producer: &Producer,
        content: &Digest,
        history: &History,
    ) -> Option<(String, Digest)> {
        let stage = &self.workflow.graph.instances[producer.id].name;
        let locked = self.lock.get(stage);
        let is_last = |locked: &&Locked| locked.outputs.get(&producer.output) == Some(content);
        if let Some(locked) = locked.filter(is_last) {
            return Some((stage.clone(), locked.key));
        }
        if let Some((run, _)) = history.producer_of(content) {
            return Some((run.stage.clone(), run.key));
        }
        let records = self.store?.records().ok()?.into_iter();
        let mut made =
            records.filter(|(_, record, _)| record.outputs.get(&producer.output) == Some(content));
        made.next().map(|(key, _, _)| (stage.clone(), key))
    }

    fn produced_by(
        &mut self,
        stage: &str,
        key: Option<Digest>,
        output: Option<String>,
        history: &mut History,
    ) -> Result<ProducedBy> {
        let record = key.and_then(|key| self.store?.recorded(&key));
        let run = key.and_then(|key| history.run(&key)).cloned();
        let is_repeated = !history.seen.insert((stage.to_owned(), key));
        let manifest = record
            .as_ref()
            .map(|record| Manifest::read(&record.manifest));
        let manifest = manifest.unwrap_or_default();
        let mut environment = manifest.section(&Section::Env);
        environment.extend(run.iter().flat_map(|run| run.variables.clone()));
        let mut produced_by = ProducedBy {
            stage: stage.to_owned(),
            output,
            key,
            command: command(run.as_ref(), &manifest),
            params: given(run.as_ref(), &manifest),
            environment,
            code: manifest.code().or(run.as_ref().and_then(|run| run.code)),
            accepted: record.as_ref().and_then(|record| record.accepted.clone()),
            run,
            inputs: Vec::new(),
            is_repeated,
        };
        if !is_repeated {
            let made = (stage, key);
            let parts = parts(
                self.workflow,
                self.lock,
                made,
                produced_by.run.as_ref(),
                record.as_ref(),
            );
            for part in parts {
                produced_by.inputs.extend(self.inputs_of(&part, history)?);
            }
        }
        Ok(produced_by)
    }

    /// Origins of an input of a run; several for a folder around outputs.
    fn inputs_of(&mut self, part: &FileRef, history: &mut History) -> Result<Vec<Input>> {
        let input = |origin| Input {
            name: part.name.clone(),
            origin,
        };
        if part.path.as_os_str().is_empty() {
            return Ok(vec![input(self.of_content(part.content, history)?)]);
        }
        let producers = self.producers(&part.path);
        if producers.is_empty() {
            return Ok(vec![input(self.source(&part.path, part.content, history))]);
        }
        let mut inputs = Vec::new();
        for producer in producers {
            let is_whole = producer.path == part.path;
            let path = if path_holds(&part.path, &producer.path) {
                &producer.path
            } else {
                &part.path
            };
            let wanted = part.content.filter(|_| is_whole);
            let mut origin = self.origin_of(&producer, path, wanted, history)?;
            if !path_holds(&part.path, &producer.path) && part.content.is_some() {
                // The content is the one that was read, also if it has changed since.
                origin.content = part.content;
                origin.state = self.state_of(&part.path, part.content);
            }
            inputs.push(input(origin));
        }
        Ok(inputs)
    }

    /// The origin of a content without a recorded path.
    fn of_content(&mut self, content: Option<Digest>, history: &mut History) -> Result<Origin> {
        let found = content.and_then(|content| {
            let (run, part) = history.producer_of(&content)?;
            Some((run.stage.clone(), run.key, part.clone()))
        });
        let Some((stage, key, part)) = found else {
            return Ok(Origin {
                path: None,
                content,
                state: State::Missing,
                made: None,
                from: None,
            });
        };
        Ok(Origin {
            state: self.state_of(&part.path, content),
            path: Some(part.path),
            content,
            made: Some(self.produced_by(&stage, Some(key), Some(part.name), history)?),
            from: None,
        })
    }
}

/// Returns whether `inner` lies in the folder `outer`.
fn path_holds(outer: &Path, inner: &Path) -> bool {
    inner != outer && inner.starts_with(outer)
}

/// An output of an instance.
struct Producer {
    id: InstanceId,
    output: String,
    path: PathBuf,
}
