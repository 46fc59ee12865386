//! Producers of paths.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Included, Unbounded};
use std::path::Path;

use super::{InstanceId, PerInstance};
use crate::error::{Error, Result};
use crate::glob;
use crate::instance::{Instance, Target};

/// The instance that makes each output, by the output's path. Paths are texts here: to compare them part by part took a
/// tenth of the time of a repro with nothing to do.
#[derive(Debug)]
pub(super) struct Producers(BTreeMap<String, InstanceId>);

impl Producers {
    /// # Errors
    /// Outputs overlap.
    pub(super) fn of(instances: &PerInstance<Instance>) -> Result<Self> {
        let overlap = |first: (&str, InstanceId), second: (&str, InstanceId)| Error::Overlap {
            first: first.0.to_owned(),
            first_stage: instances[first.1].name.clone(),
            second: second.0.to_owned(),
            second_stage: instances[second.1].name.clone(),
        };
        let mut producers = BTreeMap::new();
        for (id, instance) in instances.with_ids() {
            for output in instance.outputs.values() {
                let path = text(&output.path);
                if let Some(other) = producers.insert(path.to_owned(), id) {
                    return Err(overlap((path, other), (path, id)));
                }
            }
        }
        for (inner, &inner_id) in &producers {
            for outer in folders(inner) {
                if let Some(&outer_id) = producers.get(outer) {
                    return Err(overlap((outer, outer_id), (inner, inner_id)));
                }
            }
        }
        Ok(Producers(producers))
    }

    /// The instance that has an output at exactly `path`.
    pub(super) fn get(&self, path: &Path) -> Option<InstanceId> {
        self.0.get(text(path)).copied()
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The declared outputs that match `pattern`, and their instances.
    pub(super) fn matching(&self, pattern: &str) -> impl Iterator<Item = (&str, InstanceId)> {
        let outputs = self.0.iter().map(|(path, id)| (path.as_str(), *id));
        outputs.filter(move |(path, _)| glob::matches(pattern, path))
    }

    /// The instances whose outputs an input may read.
    pub(super) fn makers(&self, target: &Target) -> BTreeSet<InstanceId> {
        match target {
            Target::Absent => BTreeSet::new(),
            Target::Path(path) => self.touching(text(path)).collect(),
            Target::Glob(pattern) => {
                let declared: BTreeSet<InstanceId> =
                    self.matching(pattern).map(|(_, id)| id).collect();
                if !declared.is_empty() {
                    return declared;
                }
                let outputs = self.0.iter();
                let holding = outputs.filter(|(path, _)| glob::may_match_below(pattern, path));
                holding.map(|(_, id)| *id).collect()
            }
        }
    }

    /// Returns whether `path`, a folder around it, or something inside it is an output.
    pub(super) fn touches(&self, path: &Path) -> bool {
        self.touching(text(path)).next().is_some()
    }

    /// Makers of `path`, of a folder around it, or of something inside it.
    fn touching(&self, path: &str) -> impl Iterator<Item = InstanceId> {
        let around = [path].into_iter().chain(folders(path));
        let around = around.filter_map(|folder| self.0.get(folder));
        around.chain(self.within(path)).copied()
    }

    /// Makers of something inside `path`.
    fn within(&self, path: &str) -> impl Iterator<Item = &InstanceId> {
        let inside = match path {
            "" => String::new(),
            path => [path, "/"].concat(),
        };
        let within = self
            .0
            .range::<str, _>((Included(inside.as_str()), Unbounded));
        let within = within.take_while(move |(other, _)| other.starts_with(&inside));
        within.map(|(_, id)| id)
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
