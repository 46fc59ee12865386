//! What made a file, from the command back to the sources.
//!
//! The lock says which result stands in the workspace, the cache what it was made from, and the list of runs when, where,
//! and from which paths. What one of them no longer knows, another may.

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

/// Where a file or folder comes from.
#[derive(Debug, Clone, Serialize)]
pub struct Origin {
    /// From the workspace root, or absolute; none where nobody noted it.
    pub path: Option<PathBuf>,
    /// The content that this is about; none for a by-product, which decides nothing.
    pub content: Option<Digest>,
    /// Whether that is what stands at the path now.
    pub state: State,
    /// What made it; none for a source.
    pub made: Option<ProducedBy>,
    /// Where a source was imported from.
    pub from: Option<String>,
}

/// How a path stands beside a content.
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

/// A run, or what was taken for one.
#[derive(Debug, Clone, Serialize)]
pub struct ProducedBy {
    /// Instance.
    pub stage: String,
    /// The name of the output.
    pub output: Option<String>,
    /// The hash of its manifest; none where nobody knows the result any more.
    pub key: Option<Digest>,
    /// `crate/binary`, or texts for the shell.
    pub command: Vec<String>,
    /// What it was given.
    pub params: BTreeMap<String, Value>,
    /// Environment variables that decided, and those that the runner set.
    pub environment: BTreeMap<String, String>,
    /// The hash of the code.
    pub code: Option<Digest>,
    /// How the result came to be taken for that of a run, where none made it.
    pub accepted: Option<String>,
    /// When and where it ran, and how long; none where nobody noted it.
    pub run: Option<Run>,
    /// What it was made from, by name.
    pub inputs: Vec<Input>,
    /// Whether its inputs are told elsewhere, where the same run occurs first.
    pub is_repeated: bool,
}

/// What a run was made from.
#[derive(Debug, Clone, Serialize)]
pub struct Input {
    /// The name that the stage knows.
    pub name: String,
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Origin,
}

/// What is known of a workspace's results, and the files that stand in it.
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

    /// Where what stands at `path` comes from.
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
        let makers = self.makers(&path);
        match makers.as_slice() {
            [] => self.of_nobodys(&path, content, &mut history),
            [maker] if !path_holds(&path, &maker.path) => {
                let wanted = content.filter(|_| maker.path == path);
                // Of what somebody edited, told is what was made.
                let wanted =
                    wanted.filter(|wanted| self.made_by(maker, wanted, &history).is_some());
                self.origin_of(maker, &path, wanted, &mut history)
            }
            several => {
                let paths = several.iter().map(|maker| maker.path.display().to_string());
                let outputs = paths.take(12).collect();
                Err(Error::AroundOutputs { path, outputs })
            }
        }
    }

    /// The digest of what is at `path`, from the root, as manifests have it.
    fn digest_of(&mut self, path: &Path) -> store::Result<Digest> {
        let place = self.workflow.root.join(path);
        match rules_of(&self.workflow.graph, path) {
            Rules::Output => self.index.digest(&place),
            Rules::Source => self.index.digest_source(&place),
        }
    }

    /// The outputs at `path`, around it or in it.
    fn makers(&self, path: &Path) -> Vec<Producer> {
        let mut makers = Vec::new();
        for (id, instance) in self.workflow.graph.instances.with_ids() {
            for (name, output) in &instance.outputs {
                if output.path.starts_with(path) || path.starts_with(&output.path) {
                    makers.push(Producer {
                        id,
                        output: name.clone(),
                        path: output.path.clone(),
                    });
                }
            }
        }
        makers
    }

    /// The origin of what no stage makes: a source, or a copy of what one made.
    fn of_nobodys(
        &mut self,
        path: &Path,
        content: Option<Digest>,
        history: &mut History,
    ) -> Result<Origin> {
        if self.is_read(path) {
            return Ok(self.source(path, content, history));
        }
        if let Some(content) = content
            && let Some((run, part)) = history.maker_of(&content)
        {
            let (run, output) = (run.clone(), part.name.clone());
            let made = self.making(&run.stage.clone(), Some(run.key), Some(output), history)?;
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

    /// Whether a stage reads what is at `path`, or a part of it.
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

    /// The origin of an output, or of what lies at `path` in it. `wanted` is the output's content if that is known.
    fn origin_of(
        &mut self,
        maker: &Producer,
        path: &Path,
        wanted: Option<Digest>,
        history: &mut History,
    ) -> Result<Origin> {
        let stage = self.workflow.graph.instances[maker.id].name.clone();
        let locked = self.lock.get(&stage);
        let last = locked.and_then(|locked| locked.outputs.get(&maker.output).copied());
        let key = locked.map(|locked| locked.key);
        let (stage, key, content) = match wanted {
            None => (stage, key, last),
            Some(wanted) => match self.made_by(maker, &wanted, history) {
                Some((stage, key)) => (stage, Some(key), Some(wanted)),
                None => (stage, None, Some(wanted)),
            },
        };
        let is_part = maker.path != path;
        let content = content.filter(|_| !is_part);
        Ok(Origin {
            state: match wanted.or(content) {
                None if is_part => self.state_of(&maker.path.clone(), last),
                _ => self.state_of(path, content),
            },
            path: Some(path.to_owned()),
            content,
            made: Some(self.making(&stage, key, Some(maker.output.clone()), history)?),
            from: None,
        })
    }

    /// The instance and the key that made a content of an output: the last ones, else those of an earlier run.
    fn made_by(
        &self,
        maker: &Producer,
        content: &Digest,
        history: &History,
    ) -> Option<(String, Digest)> {
        let stage = &self.workflow.graph.instances[maker.id].name;
        let locked = self.lock.get(stage);
        let is_last = |locked: &&Locked| locked.outputs.get(&maker.output) == Some(content);
        if let Some(locked) = locked.filter(is_last) {
            return Some((stage.clone(), locked.key));
        }
        if let Some((run, _)) = history.maker_of(content) {
            return Some((run.stage.clone(), run.key));
        }
        let records = self.store?.records().ok()?.into_iter();
        let mut made =
            records.filter(|(_, record, _)| record.outputs.get(&maker.output) == Some(content));
        made.next().map(|(key, _, _)| (stage.clone(), key))
    }

    fn making(
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
        environment.extend(run.iter().flat_map(|run| run.environment.clone()));
        let mut making = ProducedBy {
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
                making.run.as_ref(),
                record.as_ref(),
            );
            for part in parts {
                making.inputs.extend(self.inputs_of(&part, history)?);
            }
        }
        Ok(making)
    }

    /// Where an input of a run comes from; several origins for a folder around outputs.
    fn inputs_of(&mut self, part: &FileRef, history: &mut History) -> Result<Vec<Input>> {
        let input = |origin| Input {
            name: part.name.clone(),
            origin,
        };
        if part.path.as_os_str().is_empty() {
            return Ok(vec![input(self.of_content(part.content, history)?)]);
        }
        let makers = self.makers(&part.path);
        if makers.is_empty() {
            return Ok(vec![input(self.source(&part.path, part.content, history))]);
        }
        let mut inputs = Vec::new();
        for maker in makers {
            let is_whole = maker.path == part.path;
            let path = if path_holds(&part.path, &maker.path) {
                &maker.path
            } else {
                &part.path
            };
            let wanted = part.content.filter(|_| is_whole);
            let mut origin = self.origin_of(&maker, path, wanted, history)?;
            if !path_holds(&part.path, &maker.path) && part.content.is_some() {
                // Told is what was read, whatever became of it.
                origin.content = part.content;
                origin.state = self.state_of(&part.path, part.content);
            }
            inputs.push(input(origin));
        }
        Ok(inputs)
    }

    /// The origin of a content of which nobody noted where it stood.
    fn of_content(&mut self, content: Option<Digest>, history: &mut History) -> Result<Origin> {
        let found = content.and_then(|content| {
            let (run, part) = history.maker_of(&content)?;
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
            made: Some(self.making(&stage, Some(key), Some(part.name), history)?),
            from: None,
        })
    }
}

/// Whether `inner` lies in the folder `outer`.
fn path_holds(outer: &Path, inner: &Path) -> bool {
    inner != outer && inner.starts_with(outer)
}

/// An output of an instance.
struct Producer {
    id: InstanceId,
    output: String,
    path: PathBuf,
}
