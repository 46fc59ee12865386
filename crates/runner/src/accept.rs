//! Taking what is there for the result of what is declared, without a run.

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

/// What may be taken for a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// What stands in the outputs' places, whoever put it there.
    Outputs,
    /// The last result, where nothing but code has changed since.
    LastResult,
}

/// Takes what `accept` says for the results of the selected instances that are not up to date, and notes in the
/// cache that it did.
///
/// # Errors
/// Something is missing, was edited, or more than code has changed. What came before in the plan is recorded.
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
    let (state, outputs, how) = match accept {
        Accept::Outputs => {
            let outputs = take_outputs(workspace, &instance)?;
            (State::Committed, outputs, Reason::Committed)
        }
        Accept::LastResult => {
            let (_, mut observer) = workspace.observer();
            let (key, outputs) = last_result(&instance, &derivation, &mut observer)?;
            (State::Adopted, outputs, Reason::Adopted { key })
        }
    };
    enter(workspace, &instance, &derivation, &outputs, &how)?;
    let mut run = Run::new(
        &instance,
        &derivation,
        &[],
        workspace.workflow.state_folder(),
        workspace.state.circumstances(&workspace.workflow.root),
    );
    run.outcome = Some(state);
    run.status = how.to_string();
    workspace.runs().append(run, &instance, &outputs)?;
    Ok(Outcome {
        stage: instance.name.clone(),
        state,
        reasons: vec![how],
        key: Some(derivation.key),
        usage: None,
    })
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

/// Records a result that no run made.
fn enter(
    workspace: &mut Workspace,
    instance: &Instance,
    derivation: &Derivation,
    outputs: &BTreeMap<String, Digest>,
    how: &Reason,
) -> Result<()> {
    let record = Record {
        outputs: outputs.clone(),
        manifest: derivation.manifest.to_string(),
        accepted: Some(how.to_string()),
    };
    workspace.state.store()?.record(&derivation.key, &record)?;
    let entry = derivation.locked(instance, outputs);
    workspace.state.lock.insert(instance.name.clone(), entry);
    workspace.save_lock()
}

#[cfg(test)]
mod tests;
