//! Which instance makes which path.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::{Error, Result};
use crate::glob;
use crate::instance::{Instance, Target};

/// The instance that makes each output, by the output's path. Paths are texts here: to compare them part by part took a
/// tenth of the time of a repro with nothing to do.
#[derive(Debug)]
pub(super) struct Producers(BTreeMap<String, usize>);

impl Producers {
    /// # Errors
    /// Outputs overlap.
    pub(super) fn of(instances: &[Instance]) -> Result<Self> {
        let overlap = |first: (&str, usize), second: (&str, usize)| Error::Overlap {
            first: first.0.to_owned(),
            first_stage: instances[first.1].name.clone(),
            second: second.0.to_owned(),
            second_stage: instances[second.1].name.clone(),
        };
        let mut producers = BTreeMap::new();
        for (at, instance) in instances.iter().enumerate() {
            for output in instance.outputs.values() {
                let path = text(&output.path);
                if let Some(other) = producers.insert(path.to_owned(), at) {
                    return Err(overlap((path, other), (path, at)));
                }
            }
        }
        for (inner, &inner_at) in &producers {
            for outer in folders(inner) {
                if let Some(&outer_at) = producers.get(outer) {
                    return Err(overlap((outer, outer_at), (inner, inner_at)));
                }
            }
        }
        Ok(Producers(producers))
    }

    /// The instance that has an output at exactly `path`.
    pub(super) fn get(&self, path: &Path) -> Option<usize> {
        self.0.get(text(path)).copied()
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The declared outputs that match `pattern`, and their instances.
    pub(super) fn matching(&self, pattern: &str) -> impl Iterator<Item = (&str, usize)> {
        let outputs = self.0.iter().map(|(path, at)| (path.as_str(), *at));
        outputs.filter(move |(path, _)| glob::matches(pattern, path))
    }

    /// The instances whose outputs an input may read.
    pub(super) fn makers(&self, target: &Target) -> BTreeSet<usize> {
        match target {
            Target::Absent => BTreeSet::new(),
            Target::Path(path) => self.touching(text(path)),
            Target::Glob(pattern) => {
                let declared: BTreeSet<usize> = self.matching(pattern).map(|(_, at)| at).collect();
                if !declared.is_empty() {
                    return declared;
                }
                let outputs = self.0.iter();
                let holding = outputs.filter(|(path, _)| glob::may_match_below(pattern, path));
                holding.map(|(_, at)| *at).collect()
            }
        }
    }

    /// Makers of `path`, of a folder around it, or of something inside it.
    fn touching(&self, path: &str) -> BTreeSet<usize> {
        let inside = match path {
            "" => String::new(),
            path => format!("{path}/"),
        };
        let within = self.0.range(inside.clone()..);
        let within = within.take_while(|(other, _)| other.starts_with(&inside));
        let around = folders(path).chain([path]);
        let around = around.filter_map(|folder| self.0.get(folder));
        around.chain(within.map(|(_, at)| at)).copied().collect()
    }
}

/// Paths of outputs and patterns come from texts.
fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// The folders that `path` lies in, from the workspace root.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}
