//! A workspace in memory, for tests of decisions: an observer that is a map, and runs that write into it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keys::inputs::{Content, Derivation};
use keys::lock::Locked;
use keys::manifest::{Manifest, Section};
use keys::reason::listed;
use serde_json::Value;
use store::{Digest, Record};
use workflow::declaration::{Action, Spanned, Treatment};
use workflow::glob;
use workflow::graph::{Graph, InstanceId, Reach};
use workflow::instance::{Input, Instance, Output, Target};

use crate::decide::{Decision, decide};
use crate::error::Result;
use crate::observe::{Observe, snapshot};
use crate::plan::{Explanation, Plan, explanation, outcome};
use crate::predicted::Predicted;

/// Files by path, lock, cache and environment.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) files: BTreeMap<PathBuf, Digest>,
    /// Paths at which a read fails.
    pub(crate) unreadable: BTreeSet<PathBuf>,
    /// One file of code by `crate/binary`.
    pub(crate) code: BTreeMap<String, Digest>,
    /// A file beside the code of all binaries that is no source.
    pub(crate) data: Option<Digest>,
    /// Digests of built binaries, by `crate/binary`.
    pub(crate) binaries: BTreeMap<String, Digest>,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) lock: BTreeMap<String, Locked>,
    pub(crate) records: BTreeMap<Digest, Record>,
    pub(crate) stored: BTreeSet<Digest>,
    pub(crate) passed: BTreeSet<Digest>,
    /// Questions, in order.
    pub(crate) asked: RefCell<Vec<String>>,
}

impl Disk {
    fn note(&self, question: String) {
        self.asked.borrow_mut().push(question);
    }

    fn binary_of(&self, instance: &Instance) -> Option<Digest> {
        match &instance.action {
            Action::Run(run) => self.binaries.get(run).copied(),
            Action::Command(_) => None,
        }
    }
}

impl Observe for Disk {
    fn code(&mut self, instance: &Instance) -> Result<Manifest> {
        let mut manifest = Manifest::default();
        if let Action::Run(run) = &instance.action {
            let digest = self.code[run].to_string();
            manifest.add(Section::Code, &format!("{run}.rs"), digest);
            if let Some(data) = self.data {
                manifest.add(Section::Code, "crate/table.csv", data.to_string());
            }
        }
        Ok(manifest)
    }

    fn binary(&mut self, instance: &Instance) -> Result<Option<Digest>> {
        self.note("binary".to_owned());
        Ok(self.binary_of(instance))
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        self.variables.get(name).map(OsString::from)
    }

    /// A folder is the contents of the files in it.
    fn content(&mut self, path: &Path) -> Result<Option<Content>> {
        self.note(format!("content {}", path.display()));
        if self.unreadable.contains(path) {
            let message = format!("cannot read {}", path.display());
            return Err(std::io::Error::other(message).into());
        }
        let below = { self.files.iter() }.filter(|(file, _)| file.starts_with(path));
        let below: String = below
            .map(|(file, digest)| format!("{} {digest}\n", file.display()))
            .collect();
        let whole = self.files.get(path).copied();
        let digest =
            whole.or_else(|| (!below.is_empty()).then(|| Digest::of_bytes(below.as_bytes())));
        Ok(digest.map(|digest| Content {
            path: path.to_owned(),
            digest: Some(digest),
            seen: None,
        }))
    }

    fn exists(&self, path: &Path) -> bool {
        self.note(format!("exists {}", path.display()));
        self.files.keys().any(|file| file.starts_with(path))
    }

    fn matching(&self, pattern: &str) -> Result<Vec<PathBuf>> {
        let files = self.files.keys();
        let matching = files.filter(|file| glob::matches(pattern, &file.to_string_lossy()));
        Ok(matching.cloned().collect())
    }

    fn locked(&self, instance: &str) -> Option<Arc<Locked>> {
        self.lock.get(instance).cloned().map(Arc::new)
    }

    fn record(&self, key: &Digest) -> Option<Record> {
        self.note("record".to_owned());
        self.records.get(key).cloned()
    }

    fn is_stored(&self, content: &Digest) -> bool {
        self.note("is stored".to_owned());
        self.stored.contains(content)
    }

    fn has_passed(&self, _check: &Value, content: &Digest) -> bool {
        self.note("has passed".to_owned());
        self.passed.contains(content)
    }
}

/// Declared stages, and the disk under them.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) stages: Vec<Instance>,
    pub(crate) disk: Disk,
}

impl Memory {
    /// Stages of which none has run, and a file `src`.
    pub(crate) fn new(stages: impl IntoIterator<Item = Instance>) -> Self {
        let mut memory = Memory {
            stages: stages.into_iter().collect(),
            disk: Disk::default(),
        };
        memory.write("src", "1");
        memory
    }

    /// The same, after a run of all stages.
    pub(crate) fn made(stages: impl IntoIterator<Item = Instance>) -> Self {
        let mut memory = Memory::new(stages);
        memory.run_all();
        memory
    }

    pub(crate) fn graph(&self) -> Graph {
        Graph::new(self.stages.clone()).unwrap()
    }

    pub(crate) fn write(&mut self, path: &str, text: &str) {
        let digest = Digest::of_bytes(text.as_bytes());
        self.disk.files.insert(path.into(), digest);
    }

    pub(crate) fn remove(&mut self, path: &str) {
        self.disk.files.remove(Path::new(path));
    }

    /// Declares a stage anew.
    pub(crate) fn declare(&mut self, name: &str, change: impl FnOnce(Instance) -> Instance) {
        let mut stages = self.stages.iter_mut();
        let stage = stages.find(|stage| stage.name == name).unwrap();
        *stage = change(stage.clone());
    }

    /// The recorded content of an output.
    pub(crate) fn recorded(&self, stage: &str, output: &str) -> Digest {
        let key = self.disk.lock[stage].key;
        self.disk.records[&key].outputs[output]
    }

    /// The cache loses an output's content.
    pub(crate) fn lose(&mut self, stage: &str, output: &str) {
        let content = self.recorded(stage, output);
        self.disk.stored.remove(&content);
    }

    /// The cache loses the record of a stage's last result.
    pub(crate) fn lose_record(&mut self, stage: &str) {
        self.disk.records.remove(&self.disk.lock[stage].key);
    }

    /// The key and inputs of a stage, all of which are there.
    pub(crate) fn derivation(&mut self, stage: &str) -> Derivation {
        let graph = self.graph();
        let id = graph.one(stage).unwrap();
        match decide(self.snapshot_of(&graph, id, true)) {
            Decision::Run { derivation, .. } => derivation,
            decision => panic!("`{stage}` cannot run: {decision:?}"),
        }
    }

    fn snapshot_of<'g>(
        &mut self,
        graph: &'g Graph,
        id: InstanceId,
        is_forced: bool,
    ) -> crate::decide::Snapshot<'g> {
        let predicted = Predicted::default();
        snapshot(graph, id, &predicted, is_forced, &mut self.disk).unwrap()
    }

    /// Runs a stage: the content of an output follows from the key, or from nothing where its name begins with `fixed`.
    pub(crate) fn run(&mut self, stage: &str) {
        let derivation = self.derivation(stage);
        let graph = self.graph();
        let instance = &graph.instances[graph.one(stage).unwrap()];
        let content = |name: &str| match name.starts_with("fixed") {
            true => Digest::of_bytes(name.as_bytes()),
            false => Digest::of_bytes(format!("{name} {}", derivation.key).as_bytes()),
        };
        let mut outputs = BTreeMap::new();
        for (name, output) in &instance.outputs {
            let content = content(name);
            outputs.insert(name.clone(), content);
            self.disk.files.insert(output.path.clone(), content);
            if output.treatment.is_cached {
                self.disk.stored.insert(content);
            }
        }
        let locked = derivation.locked(instance, &outputs);
        self.disk.lock.insert(stage.to_owned(), locked);
        let record = Record {
            outputs,
            manifest: derivation.manifest.to_string(),
            accepted: None,
            binary: self.disk.binary_of(instance),
        };
        self.disk.records.insert(derivation.key, record);
    }

    /// Runs all stages that aren't frozen.
    pub(crate) fn run_all(&mut self) {
        let graph = self.graph();
        for &id in &graph.order {
            let instance = &graph.instances[id];
            if !instance.rules.is_frozen {
                self.run(&instance.name);
            }
        }
    }

    /// A line a stage: its name, its state, and the reasons.
    pub(crate) fn status(&mut self) -> String {
        self.plan(&[], Reach::Upstream, false)
    }

    /// The same for some targets.
    pub(crate) fn plan(&mut self, targets: &[&str], reach: Reach, force: bool) -> String {
        let graph = self.graph();
        let targets: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
        let selection = graph.select(Path::new("/"), &targets, reach).unwrap();
        let plan = Plan::of(&graph, &selection, force, &mut self.disk);
        let lines = plan.map(|decided| {
            let (id, decision) = decided.unwrap();
            let outcome = outcome(&graph.instances[id], decision);
            let line = format!("{} {}", outcome.stage, outcome.state.name());
            match listed(&outcome.reasons).as_str() {
                "" => format!("{line}\n"),
                reasons => format!("{line}: {reasons}\n"),
            }
        });
        lines.collect()
    }

    /// The error of the decision on a stage.
    pub(crate) fn error(&mut self, stage: &str) -> String {
        let graph = self.graph();
        let id = graph.one(stage).unwrap();
        let predicted = Predicted::default();
        let snapshot = snapshot(&graph, id, &predicted, false, &mut self.disk);
        snapshot.unwrap_err().to_string()
    }

    /// The questions that the decision on a stage takes.
    pub(crate) fn questions(&mut self, stage: &str, is_forced: bool) -> Vec<String> {
        let graph = self.graph();
        let id = graph.one(stage).unwrap();
        self.disk.asked.take();
        self.snapshot_of(&graph, id, is_forced);
        self.disk.asked.take()
    }

    pub(crate) fn explain(&mut self, stage: &str) -> Explanation {
        let graph = self.graph();
        let id = graph.one(stage).unwrap();
        let upstream = [stage.to_owned()];
        let upstream = { graph.select(Path::new("/"), &upstream, Reach::Upstream) }.unwrap();
        explanation(&graph, id, &upstream, &mut self.disk).unwrap()
    }
}

/// A stage without inputs and outputs. Both are named by their paths.
pub(crate) fn stage(name: &str) -> Instance {
    Instance {
        name: name.into(),
        stage: name.split('@').next().unwrap().into(),
        desc: None,
        action: Action::Command(vec![format!("make {name}")]),
        params: BTreeMap::new(),
        param_keys: BTreeMap::new(),
        inputs: BTreeMap::new(),
        outputs: BTreeMap::new(),
        show: None,
        is_source: false,
        device: None,
        env: Vec::new(),
        after: Vec::new(),
        rules: Default::default(),
    }
}

/// A declaration in few words.
pub(crate) trait Declare: Sized {
    fn reads(self, path: &str) -> Self;
    fn reads_nothing_as(self, input: &str) -> Self;
    fn makes(self, path: &str) -> Self;
    fn makes_with(self, path: &str, treatment: Treatment) -> Self;
    fn makes_volatile(self, path: &str) -> Self;
    fn makes_uncached(self, path: &str) -> Self;
    fn param(self, name: &str, value: impl Into<Value>) -> Self;
    fn checked(self, output: &str) -> Self;
    fn following(self, stage: &str) -> Self;
    fn frozen(self) -> Self;
    fn always(self) -> Self;
}

impl Declare for Instance {
    fn reads(mut self, path: &str) -> Self {
        let target = match glob::is_pattern(path) {
            true => Target::Glob(path.to_owned()),
            false => Target::Path(path.into()),
        };
        let input = Input {
            target,
            param: None,
        };
        self.inputs.insert(path.to_owned(), input);
        self
    }

    fn reads_nothing_as(mut self, input: &str) -> Self {
        let absent = Input {
            target: Target::Absent,
            param: None,
        };
        self.inputs.insert(input.to_owned(), absent);
        self
    }

    fn makes(self, path: &str) -> Self {
        self.makes_with(path, Treatment::default())
    }

    fn makes_with(mut self, path: &str, treatment: Treatment) -> Self {
        let output = Output {
            path: path.into(),
            treatment,
        };
        self.outputs.insert(path.to_owned(), output);
        self
    }

    fn makes_volatile(self, path: &str) -> Self {
        let treatment = Treatment {
            is_volatile: true,
            ..Treatment::default()
        };
        self.makes_with(path, treatment)
    }

    fn makes_uncached(self, path: &str) -> Self {
        let treatment = Treatment {
            is_cached: false,
            ..Treatment::default()
        };
        self.makes_with(path, treatment)
    }

    fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    fn checked(mut self, output: &str) -> Self {
        let check = Spanned {
            value: Value::from(true),
            span: 0..0,
        };
        self.rules.checks.insert(output.to_owned(), check);
        self
    }

    fn following(mut self, stage: &str) -> Self {
        self.after.push(stage.to_owned());
        self
    }

    fn frozen(mut self) -> Self {
        self.rules.is_frozen = true;
        self
    }

    fn always(mut self) -> Self {
        self.rules.is_always = true;
        self
    }
}
