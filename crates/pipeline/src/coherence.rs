//! Whether results that are used together were made together.

use std::collections::BTreeSet;
use std::sync::Arc;

use store::Digest;
use workflow::instance::{Input, Instance, Target};

use crate::error::Result;
use crate::manifest::{Difference, Manifest};
use crate::workspace::Workspace;

/// The param of stages that run on several devices: the same model runs on all.
const DEVICE: &str = "device";

/// An instance whose result doesn't fit the params, or the results of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Instance.
    pub stage: String,
    /// Why, for people.
    pub reasons: Vec<String>,
}

impl Workspace {
    /// The instances of `stages`, and of those whose outputs they were made from, whose recorded results were made with
    /// other params, or from other outputs, than there are now; and those of `stages` whose outputs are not in place.
    /// Code, devices, and inputs that no stage makes are not compared.
    ///
    /// # Errors
    /// There's no such stage, or an output cannot be read.
    pub fn unfit(&mut self, stages: &[&str]) -> Result<Vec<Unfit>> {
        let named = stages.iter().map(|stage| self.workflow.graph.one(stage));
        let named: BTreeSet<usize> = named.collect::<Result<_, _>>()?;
        let mut reached = named.clone();
        for &at in self.workflow.graph.order.iter().rev() {
            if reached.contains(&at) {
                reached.extend(&self.workflow.graph.upstream[at]);
            }
        }
        let order = self.workflow.graph.order.iter().copied();
        let order: Vec<usize> = order.filter(|at| reached.contains(at)).collect();
        let mut unfit = Vec::new();
        for at in order {
            let instance = Arc::clone(&self.workflow.graph.instances[at]);
            if instance.rules.is_frozen || instance.is_source {
                continue;
            }
            let reasons = self.unfit_reasons(&instance, named.contains(&at))?;
            if !reasons.is_empty() {
                let stage = instance.name.clone();
                unfit.push(Unfit { stage, reasons });
            }
        }
        Ok(unfit)
    }

    fn unfit_reasons(&mut self, instance: &Instance, is_named: bool) -> Result<Vec<String>> {
        let Some(locked) = self.lock.get(&instance.name).cloned() else {
            return Ok(vec!["no result in `pipeline.lock`".into()]);
        };
        let params = self.changed_params(instance);
        let mut reasons: Vec<String> = params.iter().map(ToString::to_string).collect();
        for (name, input) in &instance.inputs {
            let now = self.recorded_contents(input);
            let then = locked.inputs.get(name);
            if now.is_some_and(|now| Some(&now) != then) {
                reasons.push(format!("input {name} changed"));
            }
        }
        if is_named {
            reasons.extend(self.misplaced(instance, &locked.outputs)?);
        }
        Ok(reasons)
    }

    /// The params with which the recorded result wasn't made; none where the cache doesn't know with which it was.
    fn changed_params(&self, instance: &Instance) -> Vec<Difference> {
        let Some(before) = self.manifest_before(&instance.name) else {
            return Vec::new();
        };
        let mut params = Manifest::default();
        for (name, value) in &instance.params {
            params.add_param(name, value);
        }
        let mut differences = params.differences(&before.only("param"));
        differences.retain(|difference| difference.name() != DEVICE);
        differences
    }

    /// The contents of an input by the records of what makes them; none where not all of them are outputs as a whole.
    fn recorded_contents(&self, input: &Input) -> Option<Vec<Digest>> {
        let paths = match &input.target {
            Target::Absent => return None,
            Target::Path(path) => vec![path.as_path()],
            Target::Glob(pattern) => self.workflow.graph.outputs_matching(pattern),
        };
        let contents = paths.into_iter().map(|path| {
            let (producer, name) = self.workflow.graph.producer(path)?;
            let locked = self
                .lock
                .get(&self.workflow.graph.instances[producer].name)?;
            locked.outputs.get(name).copied()
        });
        let contents: Vec<Digest> = contents.collect::<Option<_>>()?;
        (!contents.is_empty()).then_some(contents)
    }
}
