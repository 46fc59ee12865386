//! Numbers that stages made, read from outputs that are declared as `metrics`.
//!
//! Metrics come in the order of the marks: `metrics = ["scores.test.*", "scores"]` has those of the test set first.
//!
//! A metric's name is `instance.output`, followed by its name in the file. Of JSON, each number is a metric, named by
//! its keys; the items of an array count from 0. Of a table in parquet, each row is named by its key columns (those of
//! text, and if these don't distinguish the rows, of flags and then of integers, too; null ones are left out where the
//! others distinguish the rows) and each other column of numbers is a
//! metric, named by the column unless that is `value`. Other values than finite numbers and keys are left out; of JSON,
//! numbers that are not finite (`NaN`, `Infinity`, as many programs write them, though JSON has no such words) are
//! reported, too.
//!
//! A program of the workspace reads tables: the runner compiles no parquet. Metrics are stored by the content's hash,
//! and outlive the content in the cache.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;
use store::{Digest, Store};
use workflow::Workflow;
use workflow::declaration;
use workflow::glob;

use crate::error::Result;
use crate::own;
use crate::states::StateResults;

/// Bytes that a file of metrics has at most.
const LARGEST: u64 = 16_000_000;

/// A number that a stage made.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its output, as `instance.output`.
    pub output: String,
    /// Its name there; empty where the file is nothing but a number.
    pub name: String,
    /// The number.
    pub value: f64,
}

impl Metric {
    /// The name that no other metric of its state has.
    #[must_use]
    pub fn full_name(&self) -> String {
        match self.name.as_str() {
            "" => self.output.clone(),
            name => format!("{}.{name}", self.output),
        }
    }
}

/// The metrics of a state.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// In the order of `pipeline.toml`.
    pub values: Vec<Metric>,
    /// Messages on outputs that cannot be read.
    pub faults: Vec<String>,
    /// The full names of the values.
    known: BTreeSet<String>,
}

/// An output that holds metrics.
struct Marked {
    /// `instance.output`.
    name: String,
    /// Pattern of the names of its metrics.
    pattern: Option<String>,
    digest: Option<Digest>,
    /// Its path, if it exists.
    path: Option<PathBuf>,
}

/// Metrics of a file, by the names in it.
pub type Read = std::result::Result<Vec<(String, f64)>, String>;

/// Metrics of states, read as far as no program for tables is needed.
pub struct Reading {
    notes: Notes,
    /// The outputs of each state that hold metrics.
    marked: Vec<Vec<Marked>>,
    /// The content of each of them, or why there is none.
    contents: Vec<std::result::Result<Digest, String>>,
    read: BTreeMap<Digest, Read>,
    /// Tables yet to be read.
    tables: BTreeMap<Digest, Vec<u8>>,
}

impl Reading {
    /// Reads the declared outputs of each state that are no tables and were not read before.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn of(workflow: &Workflow, store: Option<&Store>, states: &[StateResults]) -> Result<Self> {
        let marked = states.iter().map(|results| marked(workflow, results));
        Self::begin(workflow, store, marked.collect())
    }

    /// Reads an output of an instance in one state, declared or not, unless it is a table or was read before.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn of_output(
        workflow: &Workflow,
        store: Option<&Store>,
        results: &StateResults,
        instance: &str,
        mark: &declaration::MetricOutput,
    ) -> Result<Self> {
        let marked = Marked::of(workflow, results, instance, mark);
        Self::begin(workflow, store, vec![vec![marked]])
    }

    fn begin(workflow: &Workflow, store: Option<&Store>, marked: Vec<Vec<Marked>>) -> Result<Self> {
        let mut reading = Reading {
            notes: Notes {
                folder: own(&workflow.root, "metrics"),
            },
            marked: Vec::new(),
            contents: Vec::new(),
            read: BTreeMap::new(),
            tables: BTreeMap::new(),
        };
        for marked in marked.iter().flatten() {
            let found = reading.read_marked(store, marked)?;
            reading.contents.push(found);
        }
        reading.marked = marked;
        Ok(reading)
    }

    /// The tables yet to be read.
    pub fn tables(&self) -> &BTreeMap<Digest, Vec<u8>> {
        &self.tables
    }

    /// The metrics of each of the states, given those of the tables.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(mut self, tables: BTreeMap<Digest, Read>) -> Result<Vec<Metrics>> {
        for (digest, values) in &tables {
            if let Ok(values) = values {
                self.notes.keep(digest, values)?;
            }
        }
        self.read.extend(tables);
        let mut metrics = Vec::new();
        let mut contents = self.contents.into_iter();
        for marked in self.marked {
            let mut of_state = Metrics::default();
            for (marked, content) in marked.into_iter().zip(contents.by_ref()) {
                let values = content.and_then(|digest| self.read[&digest].clone());
                of_state.add(&marked, values);
            }
            metrics.push(of_state);
        }
        Ok(metrics)
    }

    /// The content of an output, or why there is none. Its numbers are added to `read`, a table yet to be read to
    /// `tables`.
    fn read_marked(
        &mut self,
        store: Option<&Store>,
        marked: &Marked,
    ) -> Result<std::result::Result<Digest, String>> {
        if let Some(digest) = marked.digest {
            if self.read.contains_key(&digest) || self.tables.contains_key(&digest) {
                return Ok(Ok(digest));
            }
            if let Some(values) = self.notes.known(&digest) {
                self.read.insert(digest, Ok(values));
                return Ok(Ok(digest));
            }
        }
        let Some(bytes) = bytes(store, marked)? else {
            let has = |digest| store.is_some_and(|store| store.contains(digest));
            let why = match &marked.digest {
                Some(digest) if has(digest) => "it is a folder, or executable",
                Some(_) => "the cache no longer has it",
                None => "it is not there",
            };
            return Ok(Err(why.to_owned()));
        };
        let digest = Digest::of_bytes(&bytes);
        if bytes.starts_with(b"PAR1") {
            self.tables.insert(digest, bytes);
        } else {
            let values = numbers(&bytes);
            if let Ok(values) = &values {
                self.notes.keep(&digest, values)?;
            }
            self.read.insert(digest, values);
        }
        Ok(Ok(digest))
    }
}

/// Metrics of contents that were read before, a file each.
struct Notes {
    folder: PathBuf,
}

impl Notes {
    /// Metrics of a content that was read before.
    fn known(&self, digest: &Digest) -> Option<Vec<(String, f64)>> {
        let text = fs_err::read(self.file(digest)).ok()?;
        let texts: Vec<(String, String)> = serde_json::from_slice(&text).ok()?;
        let values = texts.into_iter();
        values
            .map(|(name, text)| Some((name, text.parse().ok()?)))
            .collect()
    }

    /// Stores the metrics of a content. Numbers are texts: readers of JSON may be wrong by a last digit.
    fn keep(&self, digest: &Digest, values: &[(String, f64)]) -> Result<()> {
        let texts = values.iter();
        let texts: Vec<(&String, String)> = texts
            .map(|(name, value)| (name, value.to_string()))
            .collect();
        let text = serde_json::to_vec(&texts).map_err(std::io::Error::from)?;
        fs_err::create_dir_all(&self.folder)?;
        Ok(store::write_whole(&self.file(digest), &text)?)
    }

    fn file(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}.json"))
    }
}

impl Marked {
    fn of(
        workflow: &Workflow,
        results: &StateResults,
        instance: &str,
        mark: &declaration::MetricOutput,
    ) -> Self {
        let declaration::MetricOutput { output, pattern } = mark;
        let locked = results.lock.get(instance);
        Marked {
            name: format!("{instance}.{output}"),
            pattern: pattern.clone(),
            digest: locked.and_then(|locked| locked.outputs.get(output).copied()),
            path: place(workflow, results, instance, output),
        }
    }
}

/// The outputs of a state that hold metrics, in the order of `pipeline.toml`.
fn marked(workflow: &Workflow, made: &StateResults) -> Vec<Marked> {
    let mut marked = Vec::new();
    for stage in &workflow.declaration.stages {
        let is_of_stage = |name: &str| name.split('@').next() == Some(&stage.name);
        let locked = made.lock.iter();
        for (instance, _) in locked.filter(|(name, _)| is_of_stage(name)) {
            let marks = stage.metrics.iter();
            marked.extend(marks.map(|mark| Marked::of(workflow, made, instance, mark)));
        }
    }
    marked
}

/// Path of an output of a state, if its instance is still declared.
fn place(
    workflow: &Workflow,
    made: &StateResults,
    instance: &str,
    output: &str,
) -> Option<PathBuf> {
    let mut instances = workflow.graph.instances.iter();
    let instance = instances.find(|known| known.name == instance)?;
    Some(
        made.folder
            .as_ref()?
            .join(&instance.outputs.get(output)?.path),
    )
}

/// The bytes of an output, from the cache or from its place.
fn bytes(store: Option<&Store>, marked: &Marked) -> Result<Option<Vec<u8>>> {
    if let (Some(digest), Some(store)) = (&marked.digest, store) {
        // A huge file that is declared as metrics is reported, and not read.
        match store.bytes_of(digest) {
            0 => {}
            bytes if bytes > LARGEST => return Ok(Some(Vec::new())),
            _ => match store.read(digest) {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(store::Error::Missing { .. } | store::Error::Damaged { .. }) => {}
                Err(error) => return Err(error.into()),
            },
        }
    }
    let path = marked.path.as_ref().filter(|path| path.is_file());
    let Some(path) = path else { return Ok(None) };
    if fs_err::metadata(path)?.len() > LARGEST {
        return Ok(Some(Vec::new()));
    }
    let bytes = fs_err::read(path)?;
    let is_it = { marked.digest }.is_none_or(|digest| Digest::of_bytes(&bytes) == digest);
    Ok(is_it.then_some(bytes))
}

impl Metrics {
    /// Adds the metrics of a marked output that are not there yet.
    fn add(&mut self, marked: &Marked, read: Read) {
        let values = match read {
            Ok(values) => values,
            Err(why) => {
                let fault = format!("no metrics of `{}`: {why}", marked.name);
                if !self.faults.contains(&fault) {
                    self.faults.push(fault);
                }
                return;
            }
        };
        let pattern = marked.pattern.as_deref();
        for (name, value) in values {
            let is_meant = pattern.is_none_or(|pattern| glob::matches(pattern, &name));
            let metric = Metric {
                output: marked.name.clone(),
                name,
                value,
            };
            if !is_meant || !self.known.insert(metric.full_name()) {
                continue;
            }
            if value.is_finite() {
                self.values.push(metric);
            } else {
                let name = metric.full_name();
                self.faults
                    .push(format!("`{name}` is {value}, expected a finite number"));
            }
        }
    }
}

/// The numbers in a text of JSON, named by their keys.
fn numbers(bytes: &[u8]) -> Read {
    if bytes.is_empty() {
        return Err(format!(
            "it is empty, or larger than {} MB",
            LARGEST / 1_000_000
        ));
    }
    let value = serde_json::from_slice(bytes).or_else(|_| serde_json::from_str(&quoted(bytes)));
    let value: Value = value.map_err(|_| "it is neither JSON nor a table in parquet".to_owned())?;
    let mut numbers = Vec::new();
    add_numbers("", &value, &mut numbers);
    Ok(numbers)
}

/// Mark of a number that JSON has no word for, with which no text of a file begins.
const NOT_FINITE: &str = "\u{0}number ";

/// A text of JSON in which such words are texts.
fn quoted(bytes: &[u8]) -> String {
    const WORDS: [&str; 6] = ["NaN", "nan", "-Infinity", "Infinity", "-inf", "inf"];
    let text = String::from_utf8_lossy(bytes);
    let mark = Value::from(NOT_FINITE).to_string();
    let mark = mark.trim_end_matches('"');
    let mut quoted = String::with_capacity(text.len());
    let (mut rest, mut is_inside) = (&*text, false);
    while let Some(first) = rest.chars().next() {
        let word = WORDS
            .iter()
            .find(|word| !is_inside && rest.starts_with(**word));
        let taken = match (word, first) {
            (Some(word), _) => {
                quoted.push_str(&format!("{mark}{word}\""));
                word.len()
            }
            // Whatever it escapes, it ends no text.
            (None, '\\') if is_inside => {
                let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
                quoted.push_str(&rest[..1 + escaped]);
                1 + escaped
            }
            (None, first) => {
                is_inside ^= first == '"';
                quoted.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    quoted
}

fn add_numbers(name: &str, value: &Value, numbers: &mut Vec<(String, f64)>) {
    let join = |key: &str| match name {
        "" => key.to_owned(),
        name => format!("{name}.{key}"),
    };
    match value {
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| number.is_finite());
            numbers.extend(number.map(|number| (name.to_owned(), number)));
        }
        Value::String(text) => {
            let word = text.strip_prefix(NOT_FINITE);
            let number = word.and_then(|word| word.parse::<f64>().ok());
            numbers.extend(number.map(|number| (name.to_owned(), number)));
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                add_numbers(&join(&at.to_string()), item, numbers);
            }
        }
        Value::Object(table) => {
            for (key, value) in table {
                add_numbers(&join(key), value, numbers);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_json_are_named_by_their_keys() {
        let text =
            br#"{"test": {"f1": 0.5, "top": [1, 2.5]}, "note": "x", "ok": true, "none": null}"#;
        let expected = [("test.f1", 0.5), ("test.top.0", 1.0), ("test.top.1", 2.5)];
        let expected: Vec<_> = expected
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        assert_eq!(numbers(text), Ok(expected));
        assert_eq!(numbers(b"0.25\n"), Ok(vec![(String::new(), 0.25)]));
        assert!(numbers(b"no").is_err() && numbers(b"").is_err());
    }

    #[test]
    fn words_that_json_lacks_are_numbers_that_are_not_finite() {
        let text = br#"{"f1": 0.5, "loss": NaN, "note": "NaN \" inf", "low": [-Infinity, 1]}"#;
        let values = numbers(text).unwrap();
        let shown: Vec<String> = values.iter().map(|(n, v)| format!("{n} {v}")).collect();
        assert_eq!(shown, ["f1 0.5", "loss NaN", "low.0 -inf", "low.1 1"]);
        let [(_, alone)] = numbers(b"nan\n").unwrap().try_into().unwrap();
        assert!(alone.is_nan());
        assert!(numbers(b"NaN NaN").is_err() && numbers(b"{\"a\": Na}").is_err());
    }
}
