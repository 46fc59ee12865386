//! Decisions on the instances of a selection, in the order in which data flows, without carrying any out.

use std::collections::BTreeSet;

use keys::manifest::{Difference, Manifest};
use keys::reason::Reason;
use ledger::runs::State;
use workflow::graph::{Graph, InstanceId, Selection};
use workflow::instance::Instance;

use crate::decide::{Decision, decide};
use crate::error::Result;
use crate::events::Outcome;
use crate::observe::{Observe, resolved, snapshot};
use crate::predicted::Predicted;

/// Decides on instances one after another, each given the predicted outputs of those before it.
pub struct Plan<'a> {
    graph: &'a Graph,
    order: std::vec::IntoIter<InstanceId>,
    /// Instances that run even if they are up to date.
    forced: BTreeSet<InstanceId>,
    predicted: Predicted,
    observe: &'a mut dyn Observe,
}

impl<'a> Plan<'a> {
    /// A plan for instances in the order `order`; `predicted` has outputs of instances that are left out.
    pub fn new(
        graph: &'a Graph,
        order: Vec<InstanceId>,
        forced: BTreeSet<InstanceId>,
        predicted: Predicted,
        observe: &'a mut dyn Observe,
    ) -> Self {
        Plan {
            graph,
            order: order.into_iter(),
            forced,
            predicted,
            observe,
        }
    }

    /// A plan for a selection; where `force`, its targets run even if they are up to date.
    pub(crate) fn of(
        graph: &'a Graph,
        selection: &Selection,
        force: bool,
        observe: &'a mut dyn Observe,
    ) -> Self {
        let order = graph.in_order(selection);
        let forced = if force {
            selection.named.clone()
        } else {
            BTreeSet::new()
        };
        Plan::new(graph, order, forced, Predicted::default(), observe)
    }
}

impl Iterator for Plan<'_> {
    type Item = Result<(InstanceId, Decision)>;

    fn next(&mut self) -> Option<Self::Item> {
        let id = self.order.next()?;
        let is_forced = self.forced.contains(&id);
        let snapshot = snapshot(self.graph, id, &self.predicted, is_forced, self.observe);
        Some(snapshot.map(|snapshot| {
            let decision = decide(snapshot);
            self.predicted
                .note(id, &self.graph.instances[id], &decision);
            (id, decision)
        }))
    }
}

/// Explanation of the state of an instance.
#[derive(Debug, serde::Serialize)]
pub struct Explanation {
    /// Predicted outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// All differences from its last run; none if there was no run or its record is gone.
    pub differences: Vec<Difference>,
    /// Manifest of everything that its result depends on, without inputs that are still to be made.
    pub manifest: String,
    /// Origin of its last result, where no run made it.
    pub accepted: Option<String>,
}

/// Explanation of the state of an instance, given the selection of it and everything upstream.
pub(crate) fn explanation(
    graph: &Graph,
    id: InstanceId,
    upstream: &Selection,
    observe: &mut dyn Observe,
) -> Result<Explanation> {
    let mut order = graph.in_order(upstream);
    order.retain(|before| *before != id);
    let mut plan = Plan::new(graph, order, BTreeSet::new(), Predicted::default(), observe);
    plan.try_for_each(|decided| decided.map(drop))?;
    let predicted = plan.predicted;
    let snapshot = snapshot(graph, id, &predicted, false, observe)?;
    // The explanation has the inputs of a frozen stage, too.
    let resolved = match snapshot.resolved.clone() {
        Some(resolved) => resolved,
        None => resolved(graph, id, &predicted, observe)?,
    };
    let last = snapshot.locked.as_ref();
    let last = last.and_then(|locked| observe.record(&locked.key));
    let differences = last
        .as_ref()
        .map(|last| resolved.differences(&Manifest::read(&last.manifest)));
    Ok(Explanation {
        outcome: outcome(snapshot.instance, decide(snapshot)),
        differences: differences.unwrap_or_default(),
        manifest: resolved.to_string(),
        accepted: last.and_then(|record| record.accepted),
    })
}

/// A decision as the outcome of a command that carries nothing out.
pub(crate) fn outcome(instance: &Instance, decision: Decision) -> Outcome {
    let (state, reasons, key) = match decision {
        Decision::UpToDate { key, unchecked } => {
            let unchecked = unchecked.into_iter();
            let reasons = unchecked.map(|output| Reason::OutputUnchecked { output });
            (State::UpToDate, reasons.collect(), Some(key))
        }
        Decision::Frozen { restore } => {
            let missing = restore.into_keys();
            let reasons = missing.map(|output| Reason::OutputMissing { output });
            (State::Frozen, reasons.collect(), None)
        }
        Decision::Restore {
            derivation,
            reasons,
            ..
        } => (State::WouldRestore, reasons, Some(derivation.key)),
        Decision::SameBinary {
            derivation, last, ..
        } => {
            let reasons = vec![Reason::SameBinary { key: last }];
            (State::SameBinary, reasons, Some(derivation.key))
        }
        Decision::Run {
            derivation,
            reasons,
        } => (State::WouldRun, reasons, Some(derivation.key)),
        Decision::Pending {
            certain: true,
            reasons,
        } => (State::WouldRun, reasons, None),
        Decision::Pending { reasons, .. } => (State::MayRun, reasons, None),
        Decision::Blocked(reason) => (State::Blocked, vec![reason], None),
    };
    Outcome {
        stage: instance.name.clone(),
        state,
        reasons,
        key,
        usage: None,
    }
}

#[cfg(test)]
mod tests;
