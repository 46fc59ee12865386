//! The decision on an instance: up to date, to be restored, to run, or not known yet, and why.
//!
//! Pure: a [`Snapshot`] has everything that a decision depends on. [`observe`](crate::observe) makes one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use store::{Digest, Record};
use workflow::instance::Instance;

use keys::inputs::{Derivation, Partial, Resolved};
use keys::lock::Locked;
use keys::manifest::{Difference, Manifest};
use keys::reason::Reason;

/// Everything that the decision on an instance depends on. Parts that cannot change a decision stay empty: to look at
/// them takes time.
#[derive(Debug)]
pub struct Snapshot<'a> {
    /// The instance as declared.
    pub instance: &'a Instance,
    /// True if it runs even if it is up to date.
    pub is_forced: bool,
    /// Its key and inputs; none for a frozen instance, whose inputs decide nothing.
    pub resolved: Option<Resolved>,
    /// Its entry in `pipeline.lock`.
    pub locked: Option<Arc<Locked>>,
    /// The record under the key of that entry.
    pub last: Option<Record>,
    /// Outputs by name, observed where `pipeline.lock` has the key, the instance is frozen, or its binary is the one
    /// that made the last result.
    pub outputs: BTreeMap<&'a str, OutputState>,
    /// The record under its key, if all outputs can be put in place.
    pub cached: Option<Record>,
    /// Digest of the binary that this run has built for it; none where it hasn't, and for a foreign command.
    pub binary: Option<Digest>,
    /// Outputs of the last result that are stored, of those that aren't in place; observed, as they are, where the
    /// binary is the one that made the last result.
    pub stored: BTreeSet<String>,
    /// Outputs whose check hasn't passed yet.
    pub unchecked: Vec<String>,
    /// Names of instances still to run before it.
    pub waits_for: Vec<String>,
}

/// State of an output's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputState {
    /// Nothing is there.
    Missing {
        /// Its last content, if the cache has it.
        stored: Option<Digest>,
    },
    /// Something is there; none for contents that decide nothing.
    Present(Option<Digest>),
}

/// Decision on an instance.
#[derive(Debug)]
pub enum Decision {
    /// Nothing but the checks of some outputs.
    UpToDate {
        /// The key of its result.
        key: Digest,
        /// Outputs to be checked.
        unchecked: Vec<String>,
    },
    /// Nothing, whatever changed, but to restore some outputs.
    Frozen {
        /// Contents of missing outputs, by name.
        restore: BTreeMap<String, Digest>,
    },
    /// Put the recorded outputs in place.
    Restore {
        /// Its key and inputs.
        derivation: Derivation,
        /// The record under the key.
        record: Record,
        /// Why it isn't up to date.
        reasons: Vec<Reason>,
    },
    /// Take the last result: it was made by the binary that changed code was built to.
    SameBinary {
        /// Its key and inputs.
        derivation: Derivation,
        /// The key of the last result.
        last: Digest,
        /// The record of the last result.
        record: Record,
        /// Contents of outputs that aren't in place, by name.
        restore: BTreeMap<String, Digest>,
    },
    /// Run it.
    Run {
        /// Its key and inputs.
        derivation: Derivation,
        /// Why it isn't up to date.
        reasons: Vec<Reason>,
    },
    /// Instances before it decide.
    Pending {
        /// True if it runs with any outputs of these.
        certain: bool,
        /// Why it isn't up to date, and the instances that it waits for.
        reasons: Vec<Reason>,
    },
    /// An input is missing that no stage of this run makes.
    Blocked(Reason),
}

impl Snapshot<'_> {
    /// The reason to run whatever the key is, if there is one.
    pub(crate) fn runs_anyway(&self) -> Option<Reason> {
        match (self.is_forced, self.instance.rules.is_always) {
            (true, _) => Some(Reason::Forced),
            (_, true) => Some(Reason::AlwaysRuns),
            _ => None,
        }
    }

    /// The entry of `pipeline.lock`, if its key is `key`.
    pub(crate) fn locked_under(&self, key: &Digest) -> Option<&Arc<Locked>> {
        self.locked.as_ref().filter(|locked| locked.key == *key)
    }

    /// Outputs that aren't those of `locked`.
    pub(crate) fn misplaced(&self, locked: &Locked) -> Vec<Reason> {
        misplaced(&self.outputs, &locked.outputs)
    }
}

/// Outputs that aren't in place with the contents `recorded`.
pub(crate) fn misplaced(
    outputs: &BTreeMap<&str, OutputState>,
    recorded: &BTreeMap<String, Digest>,
) -> Vec<Reason> {
    let misplaced = outputs.iter().filter_map(|(&output, state)| match state {
        _ if is_in_place(state, recorded.get(output)) => None,
        OutputState::Missing { .. } => Some(Reason::OutputMissing {
            output: output.to_owned(),
        }),
        OutputState::Present(_) => Some(Reason::OutputEdited {
            output: output.to_owned(),
        }),
    });
    misplaced.collect()
}

/// Returns whether an output has the content `recorded`; of volatile outputs, whether it exists.
pub(crate) fn is_in_place(state: &OutputState, recorded: Option<&Digest>) -> bool {
    match state {
        OutputState::Missing { .. } => false,
        OutputState::Present(None) => true,
        OutputState::Present(there) => there.as_ref() == recorded,
    }
}

/// Decides on an instance.
pub fn decide(mut snapshot: Snapshot<'_>) -> Decision {
    match snapshot.resolved.take() {
        None => frozen(&snapshot),
        Some(Resolved::Missing { path, .. }) => Decision::Blocked(Reason::InputMissing { path }),
        Some(Resolved::Pending(partial)) => pending(&snapshot, &partial),
        Some(Resolved::Known(derivation)) => known(snapshot, derivation),
    }
}

/// A frozen stage: its outputs are taken as they are.
fn frozen(snapshot: &Snapshot<'_>) -> Decision {
    let mut restore = BTreeMap::new();
    for (&name, state) in &snapshot.outputs {
        let output = &snapshot.instance.outputs[name];
        match state {
            OutputState::Missing {
                stored: Some(digest),
            } => {
                restore.insert(name.to_owned(), *digest);
            }
            OutputState::Missing { stored: None } if !output.treatment.is_volatile => {
                let path = output.path.clone();
                return Decision::Blocked(Reason::FrozenMissing { path });
            }
            OutputState::Missing { stored: None } | OutputState::Present(_) => {}
        }
    }
    Decision::Frozen { restore }
}

fn pending(snapshot: &Snapshot<'_>, partial: &Partial) -> Decision {
    if let Some(reason) = snapshot.runs_anyway() {
        return Decision::Pending {
            certain: true,
            reasons: vec![reason],
        };
    }
    let mut reasons = match &snapshot.last {
        Some(last) => summary(partial.differences(&Manifest::read(&last.manifest))),
        None => vec![Reason::NoResult],
    };
    let certain = !reasons.is_empty();
    reasons.extend(comes_first(&snapshot.waits_for));
    Decision::Pending { certain, reasons }
}

fn known(mut snapshot: Snapshot<'_>, derivation: Derivation) -> Decision {
    if let Some(reason) = snapshot.runs_anyway() {
        return Decision::Run {
            derivation,
            reasons: vec![reason],
        };
    }
    let key = derivation.key;
    let locked = snapshot.locked_under(&key);
    let mut reasons = match locked {
        Some(locked) => snapshot.misplaced(locked),
        None => changed(&snapshot, &derivation.manifest),
    };
    let is_locked = locked.is_some();
    if is_locked && reasons.is_empty() {
        let unchecked = snapshot.unchecked;
        return Decision::UpToDate { key, unchecked };
    }
    if let Some(record) = snapshot.cached {
        return Decision::Restore {
            derivation,
            record,
            reasons,
        };
    }
    if let Some((last, record, restore)) = same_binary(&mut snapshot, &derivation.manifest) {
        return Decision::SameBinary {
            derivation,
            last,
            record,
            restore,
        };
    }
    if is_locked {
        reasons.push(Reason::NotCached);
    }
    reasons.extend(comes_first(&snapshot.waits_for));
    Decision::Run {
        derivation,
        reasons,
    }
}

/// Key and record of the last result with the outputs to restore, if a run would repeat it: it was made by the same
/// binary, and nothing but sources of the binary differs.
fn same_binary(
    snapshot: &mut Snapshot<'_>,
    manifest: &Manifest,
) -> Option<(Digest, Record, BTreeMap<String, Digest>)> {
    let binary = snapshot.binary?;
    let locked = snapshot.locked.as_ref()?;
    let last = snapshot.last.take_if(|last| last.binary == Some(binary))?;
    let differences = manifest.differences(&Manifest::read(&last.manifest));
    let is_compiled_alike = differences.iter().all(Difference::is_of_compilation);
    // Where the lock has another result of the key, another run made that.
    let mut outputs = locked.outputs.iter();
    let is_of_lock = outputs.all(|(name, digest)| last.outputs.get(name) == Some(digest));
    if !(is_compiled_alike && is_of_lock) {
        return None;
    }
    let mut restore = BTreeMap::new();
    for (&name, state) in &snapshot.outputs {
        let recorded = last.outputs.get(name)?;
        if !is_in_place(state, Some(recorded)) {
            restore.insert(snapshot.stored.get(name)?.clone(), *recorded);
        }
    }
    Some((locked.key, last, restore))
}

/// Why the key isn't that of `pipeline.lock`.
fn changed(snapshot: &Snapshot<'_>, manifest: &Manifest) -> Vec<Reason> {
    match (&snapshot.locked, &snapshot.last) {
        (None, _) => vec![Reason::NoResult],
        (Some(_), None) => vec![Reason::NoRecordOfLast],
        (Some(_), Some(last)) => summary(manifest.differences(&Manifest::read(&last.manifest))),
    }
}

/// Instances that an instance waits for, as reasons.
fn comes_first(names: &[String]) -> impl Iterator<Item = Reason> {
    let names = names.iter().cloned();
    names.map(|stage| Reason::ComesFirst { stage })
}

/// The first differences, and the number of others.
fn summary(differences: Vec<Difference>) -> Vec<Reason> {
    const SHOWN: usize = 3;
    let n_more = differences.len().saturating_sub(SHOWN);
    let shown = differences.into_iter().take(SHOWN);
    let mut reasons: Vec<Reason> = shown.map(Reason::Changed).collect();
    if n_more > 0 {
        reasons.push(Reason::More { count: n_more });
    }
    reasons
}

#[cfg(test)]
mod tests;
