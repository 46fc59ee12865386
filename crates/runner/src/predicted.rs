//! Predicted outputs of instances that were decided on and not carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use store::Digest;
use workflow::graph::InstanceId;
use workflow::instance::Instance;

use crate::decide::Decision;

/// The outputs that instances will have, where they differ from the disk.
#[derive(Debug, Clone, Default)]
pub struct Predicted {
    /// Content of outputs that would be restored, by path.
    restored: BTreeMap<PathBuf, Digest>,
    /// Instances with outputs that aren't known yet.
    undecided: BTreeSet<InstanceId>,
}

impl Predicted {
    /// The content of the output at `path`, if it would be restored.
    pub fn restored(&self, path: &Path) -> Option<Digest> {
        self.restored.get(path).copied()
    }

    /// Returns whether an output of the instance isn't known yet.
    pub fn is_undecided(&self, id: InstanceId) -> bool {
        self.undecided.contains(&id)
    }

    /// Notes an instance that is running.
    pub fn note_running(&mut self, id: InstanceId) {
        self.undecided.insert(id);
    }

    /// Notes a decision that isn't carried out now.
    pub fn note(&mut self, id: InstanceId, instance: &Instance, decision: &Decision) {
        match decision {
            Decision::UpToDate { .. } => {}
            Decision::Frozen { restore } | Decision::SameBinary { restore, .. } => {
                self.note_restored(instance, restore);
            }
            Decision::Restore { record, .. } => {
                self.note_restored(instance, &record.outputs);
                self.undecided.insert(id);
            }
            Decision::Run { .. } | Decision::Pending { .. } | Decision::Blocked(_) => {
                self.undecided.insert(id);
            }
        }
    }

    fn note_restored(&mut self, instance: &Instance, contents: &BTreeMap<String, Digest>) {
        let outputs = instance.outputs.iter();
        let known =
            outputs.filter_map(|(name, output)| Some((output.path.clone(), *contents.get(name)?)));
        self.restored.extend(known);
    }
}
