//! Taking what is there for the result of what is declared, without a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use executor::Interrupts;
use store::{Digest, Record};
use workflow::graph::Selection;
use workflow::instance::Instance;

use crate::draft::Foreseen;
use crate::error::{Error, Result};
use crate::events::{Events, Outcome, State};
use crate::mutex;
use crate::plan::{Decision, Planned, locked, outlook};
use crate::workspace::Workspace;

/// What may be taken for a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// What stands in the outputs' places, whoever put it there.
    Outputs,
    /// The last result, where nothing but code has changed since.
    LastResult,
}

impl Workspace {
    /// Takes what `accept` says for the results of the selected instances that are not up to date, and notes in the
    /// cache that it did.
    ///
    /// # Errors
    /// Something is missing, was edited, or more than code has changed. What came before in the plan is recorded.
    pub fn accept(
        &mut self,
        selection: &Selection,
        accept: Accept,
        events: &mut dyn Events,
    ) -> Result<Vec<Outcome>> {
        let interrupts = Interrupts::catch()?;
        let _lock = mutex::acquire(&self.own("lock"), &interrupts, events)?;
        self.reload_lock()?;
        let mut outcomes = Vec::new();
        for at in self.workflow.graph.in_order(selection) {
            interrupts.check()?;
            outcomes.push(self.accept_one(at, accept)?);
        }
        self.save_caches()?;
        Ok(outcomes)
    }

    fn accept_one(&mut self, at: usize, accept: Accept) -> Result<Outcome> {
        let instance = Arc::clone(&self.workflow.graph.instances[at]);
        let decision = self.decide(at, &Foreseen::default(), false)?;
        let planned = match (&decision, accept) {
            (Decision::Run { planned, .. }, _)
            | (Decision::Restore { planned, .. }, Accept::Outputs) => planned.clone(),
            (Decision::Blocked { reason }, _) => {
                let name = &instance.name;
                return Err(Error::Invalid(format!("stage `{name}`: {reason}")));
            }
            _ => return Ok(outlook(&instance, decision)),
        };
        let (state, outputs, how) = match accept {
            Accept::Outputs => {
                let outputs = self.take_outputs(&instance)?;
                (
                    State::Committed,
                    outputs,
                    "committed as it stood there".to_owned(),
                )
            }
            Accept::LastResult => {
                let (key, outputs) = self.last_result(&instance, &planned)?;
                (State::Adopted, outputs, format!("adopted from {key}"))
            }
        };
        self.enter_accepted(&instance, &planned, &outputs, how.clone())?;
        let mut run = self.run_of(&instance, &planned, &[]);
        run.outcome = Some(state);
        run.status.clone_from(&how);
        self.note_run(run, &instance, &outputs)?;
        Ok(Outcome {
            stage: instance.name.clone(),
            state,
            reasons: vec![how],
            key: Some(planned.key),
            usage: None,
        })
    }

    /// Stores the outputs where they stand.
    fn take_outputs(&mut self, instance: &Instance) -> Result<BTreeMap<String, Digest>> {
        let mut outputs = BTreeMap::new();
        for (name, output) in &instance.outputs {
            let path = self.workflow.root.join(&output.path);
            if !path.exists() {
                return Err(Error::Invalid(format!(
                    "cannot commit `{}`: its output `{name}` (`{}`) is not there",
                    instance.name,
                    output.path.display()
                )));
            }
            let digest = self.take(&path, output.treatment.is_cached)?;
            outputs.insert(name.clone(), digest);
        }
        Ok(outputs)
    }

    /// The key and the outputs of the last result, if it may stand for a run of changed code.
    fn last_result(
        &mut self,
        instance: &Instance,
        planned: &Planned,
    ) -> Result<(Digest, BTreeMap<String, Digest>)> {
        let refused = |why: String| {
            Err(Error::Invalid(format!(
                "cannot adopt the result of `{}`: {why}",
                instance.name
            )))
        };
        let Some(last) = self.lock.get(&instance.name).cloned() else {
            return refused("`pipeline.lock` has none".into());
        };
        let Some(before) = self.manifest_before(&instance.name) else {
            return refused("the cache has no record of what it was made from".into());
        };
        let differences = planned.manifest.differences(&before);
        let others: Vec<String> = { differences.iter() }
            .filter(|difference| !difference.is_of_code())
            .map(ToString::to_string)
            .collect();
        if !others.is_empty() {
            let others = others.join(", ");
            return refused(format!("more than its code has changed: {others}"));
        }
        let misplaced = self.misplaced(instance, &last.outputs)?;
        if !misplaced.is_empty() {
            return refused(misplaced.join(", "));
        }
        let record = self.store()?.recorded(&last.key);
        Ok((
            last.key,
            record.map_or(last.outputs, |record| record.outputs),
        ))
    }

    fn enter_accepted(
        &mut self,
        instance: &Instance,
        planned: &Planned,
        outputs: &BTreeMap<String, Digest>,
        how: String,
    ) -> Result<()> {
        let entry = locked(instance, planned, outputs);
        let record = Record {
            outputs: outputs.clone(),
            manifest: planned.manifest.to_string(),
            accepted: Some(how),
        };
        self.store()?.record(&planned.key, &record)?;
        self.lock.insert(instance.name.clone(), entry);
        self.save_lock()
    }
}
