//! Whether an instance is up to date, can be restored, or must run, and why.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use store::{Digest, Index, Record};
use workflow::graph::Selection;
use workflow::instance::{Instance, Output};

use crate::draft::{Draft, Foreseen, Found};
use crate::error::Result;
use crate::events::{Outcome, State};
use crate::lock::Locked;
use crate::manifest::{Difference, Manifest};
use crate::workspace::Workspace;

/// The reason of an instance that the lock doesn't have.
const NEVER: &str = "no result in `pipeline.lock`";

/// What is to be done for an instance.
#[derive(Debug)]
pub(crate) enum Decision {
    /// Nothing, but to check these outputs.
    UpToDate { key: Digest, unchecked: Vec<String> },
    /// Nothing, whatever changed, but to restore these outputs.
    Frozen { missing: BTreeMap<String, Digest> },
    /// Put the recorded outputs in place.
    Restore {
        planned: Planned,
        record: Record,
        reasons: Vec<String>,
    },
    /// Run it.
    Run {
        planned: Planned,
        reasons: Vec<String>,
    },
    /// A stage before it decides.
    Pending {
        /// Whether it runs whatever that stage makes.
        certain: bool,
        reasons: Vec<String>,
    },
    /// An input is missing which no stage of this run makes.
    Blocked { reason: String },
}

/// An instance's key and what it was made from.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) key: Digest,
    pub(crate) manifest: Manifest,
    /// Resolved paths and digests of the inputs.
    pub(crate) inputs: BTreeMap<String, Found>,
}

impl Workspace {
    /// What would be done for each of the selected instances, in order.
    ///
    /// # Errors
    /// A file cannot be read, or cargo can't tell about the code.
    pub fn outlook(&mut self, selection: &Selection, force: bool) -> Result<Vec<Outcome>> {
        let mut foreseen = Foreseen::default();
        let mut outcomes = Vec::new();
        for at in self.workflow.graph.in_order(selection) {
            let forced = force && selection.named.contains(&at);
            let decision = self.decide(at, &foreseen, forced)?;
            let instance = &self.workflow.graph.instances[at];
            foreseen.note(at, instance, &decision);
            outcomes.push(outlook(instance, decision));
        }
        self.save_caches()?;
        Ok(outcomes)
    }

    /// The differences between the manifest of the last run of an instance and
    /// that of now; none if there was no run or its record is gone.
    ///
    /// # Errors
    /// As for [`Workspace::outlook`].
    pub fn explain(&mut self, at: usize) -> Result<Explanation> {
        let selection = self.workflow.graph.select(
            &self.workflow.root.clone(),
            &[self.workflow.graph.instances[at].name.clone()],
            Default::default(),
        )?;
        let mut foreseen = Foreseen::default();
        for at in self.workflow.graph.in_order(&selection) {
            let decision = self.decide(at, &foreseen, false)?;
            foreseen.note(at, &self.workflow.graph.instances[at], &decision);
        }
        let instance = Arc::clone(&self.workflow.graph.instances[at]);
        let decision = self.decide(at, &foreseen, false)?;
        let draft = self.draft(at, &foreseen)?;
        let before = self.manifest_before(&instance.name);
        self.save_caches()?;
        Ok(Explanation {
            differences: before.map_or_else(Vec::new, |before| draft.manifest.differences(&before)),
            outcome: outlook(&instance, decision),
            manifest: draft.manifest.to_string(),
            accepted: self
                .last_record(&instance.name)
                .and_then(|record| record.accepted),
        })
    }

    /// Decides on one instance, given what those before it will be.
    pub(crate) fn decide(
        &mut self,
        at: usize,
        foreseen: &Foreseen,
        forced: bool,
    ) -> Result<Decision> {
        let instance = Arc::clone(&self.workflow.graph.instances[at]);
        if instance.rules.is_frozen {
            return Ok(self.frozen(&instance));
        }
        let draft = self.draft(at, foreseen)?;
        if let Some(path) = draft.missing {
            let reason = format!("`{}` does not exist", path.display());
            return Ok(Decision::Blocked { reason });
        }
        if draft.manifest.is_pending() {
            return Ok(self.pending(&instance, &draft, why_anyway(&instance, forced)));
        }
        let planned = Planned {
            key: draft.manifest.key(),
            manifest: draft.manifest,
            inputs: draft.inputs,
        };
        if let Some(reason) = why_anyway(&instance, forced) {
            return Ok(Decision::Run {
                planned,
                reasons: vec![reason.into()],
            });
        }
        let locked = self.lock.get(&instance.name).cloned();
        let is_locked = locked
            .as_ref()
            .is_some_and(|locked| locked.key == planned.key);
        let mut reasons = match &locked {
            Some(locked) if is_locked => self.misplaced(&instance, &locked.outputs)?,
            _ => self.reasons(&instance.name, &planned.manifest),
        };
        if let Some(locked) = locked.filter(|_| is_locked && reasons.is_empty()) {
            return Ok(Decision::UpToDate {
                key: planned.key,
                unchecked: self.unchecked(&instance, &locked.outputs),
            });
        }
        match self.recorded(&instance, &planned.key) {
            Some(record) => Ok(Decision::Restore {
                planned,
                record,
                reasons,
            }),
            None => {
                if is_locked {
                    reasons.push("the cache does not have it".into());
                }
                reasons.extend(comes_first(
                    foreseen.unsure_of(&self.workflow.graph.before[at]),
                ));
                Ok(Decision::Run { planned, reasons })
            }
        }
    }

    /// The decision on a frozen stage: what stands in its outputs' places is taken as it is.
    fn frozen(&self, instance: &Instance) -> Decision {
        let locked = self.lock.get(&instance.name);
        let mut missing = BTreeMap::new();
        for (name, output) in &instance.outputs {
            if self.workflow.root.join(&output.path).exists() {
                continue;
            }
            let digest = locked.and_then(|locked| locked.outputs.get(name));
            let stored = digest.filter(|digest| {
                { self.store.as_ref() }.is_some_and(|store| store.contains(digest))
            });
            match stored {
                Some(digest) => missing.insert(name.clone(), *digest),
                None if output.treatment.is_volatile => None,
                None => {
                    let path = output.path.display();
                    let reason =
                        format!("it is frozen, and `{path}` is neither there nor in the cache");
                    return Decision::Blocked { reason };
                }
            };
        }
        Decision::Frozen { missing }
    }

    fn pending(&self, instance: &Instance, draft: &Draft, anyway: Option<&str>) -> Decision {
        if let Some(reason) = anyway {
            return Decision::Pending {
                certain: true,
                reasons: vec![reason.into()],
            };
        }
        let mut reasons = match self.manifest_before(&instance.name) {
            Some(before) => summary(&draft.manifest.differences(&before)),
            None => vec![NEVER.into()],
        };
        let certain = !reasons.is_empty();
        reasons.extend(comes_first(draft.pending.iter().map(String::as_str)));
        Decision::Pending { certain, reasons }
    }

    /// The record of a run with this key, if all of its outputs can be restored or stand in their places.
    fn recorded(&mut self, instance: &Instance, key: &Digest) -> Option<Record> {
        let store = self.store.as_ref()?;
        let record = store.recorded(key)?;
        let has = |(name, output): (&String, &Output)| {
            let Some(digest) = record.outputs.get(name) else {
                return false;
            };
            let path = self.workflow.root.join(&output.path);
            let is_there = |index: &mut Index| {
                !output.treatment.is_cached && index.digest(&path).is_ok_and(|d| d == *digest)
            };
            store.contains(digest) || is_there(&mut self.index)
        };
        let is_whole = instance.outputs.iter().all(has);
        is_whole.then_some(record)
    }

    pub(crate) fn manifest_before(&self, name: &str) -> Option<Manifest> {
        Some(Manifest::read(&self.last_record(name)?.manifest))
    }

    fn last_record(&self, name: &str) -> Option<Record> {
        let locked = self.lock.get(name)?;
        self.store.as_ref()?.recorded(&locked.key)
    }

    /// Why the key isn't the lock's.
    fn reasons(&self, name: &str, manifest: &Manifest) -> Vec<String> {
        if self.lock.get(name).is_none() {
            return vec![NEVER.into()];
        }
        match self.manifest_before(name) {
            Some(before) => summary(&manifest.differences(&before)),
            None => {
                vec!["something changed since (the cache has no record of the last run)".into()]
            }
        }
    }

    /// Outputs that aren't what they should be.
    pub(crate) fn misplaced(
        &mut self,
        instance: &Instance,
        digests: &BTreeMap<String, Digest>,
    ) -> Result<Vec<String>> {
        let mut reasons = Vec::new();
        for (name, output) in &instance.outputs {
            let is_missing = |root: &Path| !root.join(&output.path).exists();
            if output.treatment.is_volatile {
                if is_missing(&self.workflow.root) {
                    reasons.push(format!("output {name} is missing"));
                }
                continue;
            }
            match self.look_at(&output.path) {
                Ok(seen) if Some(&seen.digest) == digests.get(name) => {}
                Ok(_) => reasons.push(format!("output {name} was edited")),
                Err(_) if is_missing(&self.workflow.root) => {
                    reasons.push(format!("output {name} is missing"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(reasons)
    }
}

/// Why an instance is as it is.
#[derive(Debug, serde::Serialize)]
pub struct Explanation {
    /// What would happen to it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// All that changed since its last run.
    pub differences: Vec<Difference>,
    /// What its result depends on, as far as it is known.
    pub manifest: String,
    /// How the last result came to be taken for it, where no run made it.
    pub accepted: Option<String>,
}

/// The instances that an instance waits for, as reasons.
fn comes_first<'s>(names: impl Iterator<Item = &'s str>) -> impl Iterator<Item = String> {
    names.map(|name| format!("`{name}` comes first"))
}

/// Why an instance runs whatever its key is, if it does.
fn why_anyway(instance: &Instance, forced: bool) -> Option<&'static str> {
    match (forced, instance.rules.is_always) {
        (true, _) => Some("forced"),
        (_, true) => Some("always runs"),
        _ => None,
    }
}

/// The first differences in words, and how many follow.
fn summary(differences: &[Difference]) -> Vec<String> {
    const SHOWN: usize = 3;
    let mut reasons: Vec<String> = differences
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect();
    if differences.len() > SHOWN {
        reasons.push(format!("{} more", differences.len() - SHOWN));
    }
    reasons
}

pub(crate) fn outlook(instance: &Instance, decision: Decision) -> Outcome {
    let (state, reasons, key) = match decision {
        Decision::UpToDate { key, unchecked } => {
            let reasons = { unchecked.iter() }.map(|name| format!("output {name} to be checked"));
            (State::UpToDate, reasons.collect(), Some(key))
        }
        Decision::Frozen { missing } => {
            let reasons = { missing.keys() }.map(|name| format!("output {name} is missing"));
            (State::Frozen, reasons.collect(), None)
        }
        Decision::Restore {
            planned, reasons, ..
        } => (State::WouldRestore, reasons, Some(planned.key)),
        Decision::Run { planned, reasons } => (State::WouldRun, reasons, Some(planned.key)),
        Decision::Pending {
            certain: true,
            reasons,
        } => (State::WouldRun, reasons, None),
        Decision::Pending { reasons, .. } => (State::MayRun, reasons, None),
        Decision::Blocked { reason } => (State::Blocked, vec![reason], None),
    };
    Outcome {
        stage: instance.name.clone(),
        state,
        reasons,
        key,
        usage: None,
    }
}

/// The entry of the lock for a result.
pub(crate) fn locked(
    instance: &Instance,
    planned: &Planned,
    outputs: &BTreeMap<String, Digest>,
) -> Locked {
    let inputs = planned.inputs.iter().map(|(name, found)| {
        let digests = found.contents().iter();
        let digests: Vec<Digest> = digests.filter_map(|content| content.digest).collect();
        (name.clone(), digests)
    });
    // Absent and volatile inputs have nothing to tell.
    let inputs = inputs.filter(|(_, digests)| !digests.is_empty());
    let kept = outputs.iter().filter(|(name, _)| {
        instance
            .outputs
            .get(*name)
            .is_some_and(|output| !output.treatment.is_volatile)
    });
    Locked {
        key: planned.key,
        inputs: inputs.collect(),
        outputs: kept.map(|(name, digest)| (name.clone(), *digest)).collect(),
    }
}
