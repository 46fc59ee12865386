//! Acceptance of results without a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use executor::Interrupts;
use keys::inputs::Derivation;
use keys::manifest::Manifest;
use keys::reason::Reason;
use ledger::runs::{Run, State};
use store::{Digest, Record};
use workflow::graph::{InstanceId, Selection};
use workflow::instance::Instance;

use crate::decide::{Decision, decide, misplaced};
use crate::error::{Error, Obstacle, Result};
use crate::events::{Events, Outcome};
use crate::observe::{self, Observe, snapshot};
use crate::plan::outcome;
use crate::predicted::Predicted;
use crate::workspace::Workspace;

/// Outputs that may be accepted as a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// The present files and folders at the outputs' paths, of any origin.
    Outputs,
    /// The last result, where nothing but code has changed since.
    LastResult,
}

/// Accepts the outputs of `accept` as results of the selected instances that are not up to date, with a note in their
/// records.
///
/// # Errors
/// Something is missing, was edited, or more than code has changed. Results that come before in the plan are recorded.
pub fn accept(
    workspace: &mut Workspace,
    selection: &Selection,
    accept: Accept,
    events: &mut dyn Events,
) -> Result<Vec<Outcome>> {
    let interrupts = Interrupts::catch()?;
    let _lock = workspace.acquire(&interrupts, events)?;
    workspace.reload_lock()?;
    let mut outcomes = Vec::new();
    for id in workspace.workflow.graph.in_order(selection) {
        interrupts.check()?;
        outcomes.push(accept_one(workspace, id, accept)?);
    }
    workspace.save_caches()?;
    Ok(outcomes)
}

fn accept_one(workspace: &mut Workspace, id: InstanceId, accept: Accept) -> Result<Outcome> {
    let instance = Arc::clone(&workspace.workflow.graph.instances[id]);
    let (graph, mut observer) = workspace.observer();
    let snapshot = snapshot(graph, id, &Predicted::default(), false, &mut observer)?;
    let derivation = match (decide(snapshot), accept) {
        (Decision::Run { derivation, .. }, _)
        | (Decision::Restore { derivation, .. }, Accept::Outputs) => derivation,
        (Decision::Blocked(reason), _) => {
            let stage = instance.name.clone();
            return Err(Error::Blocked { stage, reason });
        }
        (decision, _) => return Ok(outcome(&instance, decision)),
    };
    let accepted = match accept {
        Accept::Outputs => Accepted {
            state: State::Committed,
            how: Reason::Committed,
            outputs: take_outputs(workspace, &instance)?,
            binary: None,
        },
        Accept::LastResult => {
            let (_, mut observer) = workspace.observer();
            let (key, outputs) = last_result(&instance, &derivation, &mut observer)?;
            Accepted {
                state: State::Adopted,
                how: Reason::Adopted { key },
                outputs,
                binary: None,
            }
        }
    };
    let outcome = accepted.record(workspace, &instance, &derivation)?;
    let entry = derivation.locked(&instance, &accepted.outputs);
    workspace.state.lock.insert(instance.name.clone(), entry);
    workspace.save_lock()?;
    Ok(outcome)
}

/// A result that no run under its key made.
pub(crate) struct Accepted {
    pub(crate) state: State,
    /// Its origin.
    pub(crate) how: Reason,
    pub(crate) outputs: BTreeMap<String, Digest>,
    /// Digest of the binary that made the outputs, where that is the one of the code now.
    pub(crate) binary: Option<Digest>,
}

impl Accepted {
    /// Records the result in the cache and in the list of runs.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn record(
        &self,
        workspace: &Workspace,
        instance: &Instance,
        derivation: &Derivation,
    ) -> Result<Outcome> {
        let record = Record {
            outputs: self.outputs.clone(),
            manifest: derivation.manifest.to_string(),
            accepted: Some(self.how.to_string()),
            binary: self.binary,
        };
        workspace.state.store()?.record(&derivation.key, &record)?;
        let mut run = Run::new(
            instance,
            derivation,
            &[],
            workspace.workflow.state_folder(),
            workspace.state.environment(&workspace.workflow.root),
        );
        run.outcome = Some(self.state);
        run.status = self.how.to_string();
        workspace.runs().append(run, instance, &self.outputs)?;
        Ok(Outcome {
            stage: instance.name.clone(),
            state: self.state,
            reasons: vec![self.how.clone()],
            key: Some(derivation.key),
            usage: None,
        })
    }
}

/// Stores the outputs where they stand.
fn take_outputs(
    workspace: &mut Workspace,
    instance: &Instance,
) -> Result<BTreeMap<String, Digest>> {
    let mut outputs = BTreeMap::new();
    for (name, output) in &instance.outputs {
        let path = workspace.workflow.root.join(&output.path);
        if !path.exists() {
            return Err(Error::NothingToCommit {
                stage: instance.name.clone(),
                name: name.clone(),
                path: output.path.clone(),
            });
        }
        let digest = workspace.state.take(&path, output.treatment.is_cached)?;
        outputs.insert(name.clone(), digest);
    }
    Ok(outputs)
}

/// The key and the outputs of the last result, if it may stand for a run of changed code.
fn last_result(
    instance: &Instance,
    derivation: &Derivation,
    observe: &mut dyn Observe,
) -> Result<(Digest, BTreeMap<String, Digest>)> {
    let refused = |why: Obstacle| {
        let stage = instance.name.clone();
        Err(Error::NotAdopted { stage, why })
    };
    let Some(last) = observe.locked(&instance.name) else {
        return refused(Obstacle::NoResult);
    };
    let Some(record) = observe.record(&last.key) else {
        return refused(Obstacle::NoRecord);
    };
    let mut others = derivation
        .manifest
        .differences(&Manifest::read(&record.manifest));
    others.retain(|difference| !difference.entry().section.is_of_code());
    if !others.is_empty() {
        return refused(Obstacle::OtherChanges(others));
    }
    let misplaced = misplaced(&observe::outputs(instance, observe)?, &last.outputs);
    if !misplaced.is_empty() {
        return refused(Obstacle::Misplaced(misplaced));
    }
    Ok((last.key, record.outputs))
}

#[cfg(test)]
mod tests;
