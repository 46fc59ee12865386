//! Coherence of results: those that are used together must have been made together.

use std::collections::BTreeSet;

use keys::lock::Locked;
use keys::manifest::{Difference, Manifest, Section};
use keys::reason::Reason;
use store::Digest;
use workflow::graph::{Graph, InstanceId};
use workflow::instance::{Input, Instance, Target};

use crate::decide::misplaced;
use crate::error::Result;
use crate::observe::{self, Observe};
use crate::workspace::Workspace;

/// The param of stages that run on several devices: the same model runs on all.
const DEVICE: &str = "device";

/// An instance whose result doesn't fit the params, or the results of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Instance.
    pub stage: String,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// The instances of `stages`, and of those whose outputs they were made from, whose recorded results were made with
/// other params, or from other outputs, than there are now; and those of `stages` whose outputs are not in place.
/// Code, devices, and inputs that no stage makes are not compared.
///
/// # Errors
/// There's no such stage, or an output cannot be read.
pub fn unfit(workspace: &mut Workspace, stages: &[&str]) -> Result<Vec<Unfit>> {
    let (graph, mut observer) = workspace.observer();
    unfit_in(graph, stages, &mut observer)
}

fn unfit_in(graph: &Graph, stages: &[&str], observe: &mut dyn Observe) -> Result<Vec<Unfit>> {
    let named = stages.iter().map(|stage| graph.one(stage));
    let named: BTreeSet<InstanceId> = named.collect::<Result<_, _>>()?;
    let mut reached = named.clone();
    for &id in graph.order.iter().rev() {
        if reached.contains(&id) {
            reached.extend(&graph.upstream[id]);
        }
    }
    let mut unfit = Vec::new();
    for &id in graph.order.iter().filter(|id| reached.contains(id)) {
        let instance = &graph.instances[id];
        if instance.rules.is_frozen || instance.is_source {
            continue;
        }
        let reasons = reasons(graph, instance, named.contains(&id), observe)?;
        if !reasons.is_empty() {
            let stage = instance.name.clone();
            unfit.push(Unfit { stage, reasons });
        }
    }
    Ok(unfit)
}

fn reasons(
    graph: &Graph,
    instance: &Instance,
    is_named: bool,
    observe: &mut dyn Observe,
) -> Result<Vec<Reason>> {
    let Some(locked) = observe.locked(&instance.name) else {
        return Ok(vec![Reason::NoResult]);
    };
    let params = changed_params(instance, &locked, observe).into_iter();
    let mut reasons: Vec<Reason> = params.map(Reason::Changed).collect();
    for (name, input) in &instance.inputs {
        let now = recorded_contents(graph, input, observe);
        let then = locked.inputs.get(name);
        if now.is_some_and(|now| Some(&now) != then) {
            let input = name.clone();
            reasons.push(Reason::InputChanged { input });
        }
    }
    if is_named {
        let outputs = observe::outputs(instance, observe)?;
        reasons.extend(misplaced(&outputs, &locked.outputs));
    }
    Ok(reasons)
}

/// The params with which the recorded result wasn't made; none where the cache has no record of it.
fn changed_params(instance: &Instance, locked: &Locked, observe: &dyn Observe) -> Vec<Difference> {
    let Some(record) = observe.record(&locked.key) else {
        return Vec::new();
    };
    let mut params = Manifest::default();
    for (name, value) in &instance.params {
        params.add_param(name, value);
    }
    let before = Manifest::read(&record.manifest).only(Section::Param);
    let mut differences = params.differences(&before);
    differences.retain(|difference| difference.entry().name != DEVICE);
    differences
}

/// The contents of an input by the records of their producers; none unless all of them are whole outputs.
fn recorded_contents(graph: &Graph, input: &Input, observe: &dyn Observe) -> Option<Vec<Digest>> {
    let paths = match &input.target {
        Target::Absent => return None,
        Target::Path(path) => vec![path.as_path()],
        Target::Glob(pattern) => graph.outputs_matching(pattern),
    };
    let contents = paths.into_iter().map(|path| {
        let (producer, name) = graph.producer(path)?;
        let locked = observe.locked(&graph.instances[producer].name)?;
        locked.outputs.get(name).copied()
    });
    let contents: Vec<Digest> = contents.collect::<Option<_>>()?;
    (!contents.is_empty()).then_some(contents)
}

#[cfg(test)]
mod tests;
