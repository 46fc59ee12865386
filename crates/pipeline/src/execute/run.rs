//! One instance, from the decision to the record.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use executor::{Ending, Usage};
use sandbox::Limits;
use store::{Digest, Record};
use workflow::declaration::Action;
use workflow::instance::Instance;

use super::{Begun, Running, Scheduler, outcome};
use crate::draft::Foreseen;
use crate::error::{Error, Result};
use crate::events::{Event, Events, Outcome, State};
use crate::plan::{Decision, Planned, locked};
use crate::runs::Run;
use crate::task::{self, Job};
use crate::{log, place};

impl Scheduler<'_> {
    pub(super) fn is_forced(&self, at: usize) -> bool {
        self.options.force && self.selection.named.contains(&at)
    }

    fn decide(&mut self, at: usize) -> Result<Decision> {
        let forced = self.is_forced(at);
        self.workspace.decide(at, &Foreseen::default(), forced)
    }

    pub(super) fn bring_up_to_date(&mut self, at: usize) -> Result<Begun> {
        let instance = Arc::clone(&self.workspace.workflow.graph.instances[at]);
        match self.decide(at)? {
            Decision::UpToDate { key, unchecked } => {
                self.check_in_place(&instance, &unchecked)?;
                let key = Some(key);
                let outcome = outcome(&instance, State::UpToDate);
                Ok(Begun::Done(Outcome { key, ..outcome }))
            }
            Decision::Frozen { missing } => self.leave_frozen(&instance, &missing),
            Decision::Restore {
                planned,
                record,
                reasons,
            } => match self.restore(&instance, &planned, &record, reasons) {
                Err(Error::Store(
                    error @ (store::Error::Damaged { .. } | store::Error::Missing { .. }),
                )) => {
                    let text = format!("cannot restore: {error}");
                    self.events.event(Event::Warning {
                        stage: &instance.name,
                        text: &text,
                    });
                    // Without the damaged object there's no whole record: it runs.
                    self.bring_up_to_date(at)
                }
                restored => restored.map(Begun::Done),
            },
            Decision::Run { planned, reasons } => self.run(at, &instance, planned, reasons),
            Decision::Blocked { reason } => Err(Error::MissingInputs(vec![format!(
                "stage `{}` cannot run: {reason}",
                instance.name
            )])),
            Decision::Pending { .. } => Err(Error::Invalid(format!(
                "stage `{}` waits for a stage that is done",
                instance.name
            ))),
        }
    }

    /// Puts an output in its place, from the cache.
    fn put_back(&mut self, instance: &Instance, name: &str, digest: &Digest) -> Result<()> {
        let output = &instance.outputs[name];
        place::restore(
            self.workspace,
            instance,
            name,
            output,
            digest,
            &mut self.events,
        )
    }

    fn leave_frozen(
        &mut self,
        instance: &Instance,
        missing: &BTreeMap<String, Digest>,
    ) -> Result<Begun> {
        for (name, digest) in missing {
            self.put_back(instance, name, digest)?;
        }
        Ok(Begun::Done(outcome(instance, State::Frozen)))
    }

    fn restore(
        &mut self,
        instance: &Instance,
        planned: &Planned,
        record: &Record,
        reasons: Vec<String>,
    ) -> Result<Outcome> {
        for name in instance.outputs.keys() {
            self.put_back(instance, name, &record.outputs[name])?;
        }
        let unchecked = self.workspace.unchecked(instance, &record.outputs);
        self.check_in_place(instance, &unchecked)?;
        // The run may have been killed when all but this was done.
        store::remove_path(&task::work(self.workspace, &planned.key))?;
        self.enter(instance, planned, &record.outputs)?;
        let key = Some(planned.key);
        let outcome = outcome(instance, State::Restored);
        Ok(Outcome {
            reasons,
            key,
            ..outcome
        })
    }

    /// Notes a result in the lock.
    pub(super) fn enter(
        &mut self,
        instance: &Instance,
        planned: &Planned,
        outputs: &BTreeMap<String, Digest>,
    ) -> Result<()> {
        let entry = locked(instance, planned, outputs);
        self.workspace.lock.insert(instance.name.clone(), entry);
        self.unsaved.get_or_insert_with(Instant::now);
        self.save_if_due();
        self.workspace.note_key(&planned.key)
    }

    /// Starts an instance, if the user wants it to run and there is room.
    fn run(
        &mut self,
        at: usize,
        instance: &Instance,
        mut planned: Planned,
        reasons: Vec<String>,
    ) -> Result<Begun> {
        self.forecast_once(at)?;
        let asks = self.options.is_interactive && !self.wanted.contains(&at);
        if asks && !self.events.may_run(&instance.name, &reasons) {
            return Ok(Begun::Unwanted);
        }
        self.wanted.insert(at);
        if !self.has_room(at, &planned.key) {
            return Ok(Begun::NeedsRoom(planned.key));
        }
        if let Some(missing) = self.unbuilt(instance) {
            if let Err(error) = self.build(at, &missing) {
                return Ok(Begun::NotBuilt(planned.key, error));
            }
            // The build took time: what was built is what the files say now.
            match self.decide(at)? {
                Decision::Run { planned: now, .. } => planned = now,
                _ => return self.bring_up_to_date(at),
            }
        }
        let executable = match &instance.action {
            Action::Run(run) => self.executables.get(run).cloned(),
            Action::Command(_) => None,
        };
        self.start(at, instance, planned, reasons, executable)?;
        Ok(Begun::Running)
    }

    fn start(
        &mut self,
        at: usize,
        instance: &Instance,
        planned: Planned,
        reasons: Vec<String>,
        executable: Option<PathBuf>,
    ) -> Result<()> {
        // What it leaves half done is of use for whoever asks for the same state again.
        self.workspace.note_key(&planned.key)?;
        self.workspace.forget_seen();
        let job = self.prepare(instance, &planned, executable)?;
        self.events.event(Event::Started {
            stage: &instance.name,
            reasons: &reasons,
        });
        let task = job.task().clone();
        let running = Running {
            job,
            planned,
            reasons,
            is_killed: false,
        };
        match self.executor.start(task) {
            Ok(()) => {
                self.running.insert(at, running);
                Ok(())
            }
            Err(error) => self.conclude(at, running, Err(error.into())).map(|_| ()),
        }
    }

    /// Makes everything ready for a process, or leaves it as it was.
    fn prepare(
        &mut self,
        instance: &Instance,
        planned: &Planned,
        executable: Option<PathBuf>,
    ) -> Result<Job> {
        let common = self.common(instance);
        let job = Job::prepare(
            self.workspace,
            instance,
            planned,
            executable,
            common.as_ref(),
        )?;
        if let Err(error) = job.begin(self.workspace) {
            job.recover(self.workspace, &error)?;
            return Err(error);
        }
        Ok(job)
    }

    /// What the stage may reach beside what it declares; none where nothing holds it to that.
    fn common(&mut self, instance: &Instance) -> Option<Limits> {
        if instance.rules.is_unconfined {
            return None;
        }
        let sandbox = self.options.sandbox;
        if self.common.get().is_none() {
            let common = sandbox.common(self.workspace);
            sandbox.tell(common.as_ref(), self.workspace, &mut self.events);
            self.common.get_or_init(|| common);
        }
        self.common.get().cloned().flatten()
    }

    /// Ends an instance whose process has ended.
    pub(super) fn ended(&mut self, at: usize, ending: Result<Ending>) {
        let Some(running) = self.running.remove(&at) else {
            return;
        };
        let key = running.planned.key;
        match self.conclude(at, running, ending) {
            Ok(outcome) => self.end(at, outcome),
            Err(error) => self.fail(at, Some(key), error),
        }
    }

    /// Records what a process left that has ended, or puts back what was there before.
    fn conclude(&mut self, at: usize, running: Running, ending: Result<Ending>) -> Result<Outcome> {
        let Running {
            job,
            planned,
            reasons,
            ..
        } = running;
        self.workspace.forget_seen();
        let instance = Arc::clone(&self.workspace.workflow.graph.instances[at]);
        let mut run = self.workspace.run_of(&instance, &planned, &reasons);
        run.environment.extend(job.environment());
        if let Ok(ending) = &ending {
            run.status = log::status(ending);
            run.usage = ending.usage;
            run.environment.extend(ending.environment.iter().cloned());
        }
        let settled = ending.and_then(|ending| self.settle(&instance, &job, &planned, &ending));
        match self.note(run, &instance, settled) {
            Ok(usage) => Ok(Outcome {
                reasons,
                key: Some(planned.key),
                usage,
                ..outcome(&instance, State::Ran)
            }),
            Err(error) => {
                let distrusted = job.distrust(self.workspace, &planned);
                distrusted.and(job.recover(self.workspace, &error))?;
                Err(error)
            }
        }
    }

    /// Adds a run to the list of runs.
    fn note(
        &self,
        mut run: Run,
        instance: &Instance,
        settled: Result<(Option<Usage>, BTreeMap<String, Digest>)>,
    ) -> Result<Option<Usage>> {
        match settled {
            Ok((usage, outputs)) => {
                run.outcome = Some(State::Ran);
                self.workspace.note_run(run, instance, &outputs)?;
                Ok(usage)
            }
            Err(error) => {
                run.outcome = Some(State::Failed);
                run.failure = error.to_string().lines().next().map(str::to_owned);
                // What failed first is what there is to tell.
                let _ = self.workspace.note_run(run, instance, &BTreeMap::new());
                Err(error)
            }
        }
    }

    /// Stores, checks, records and places what a run made.
    fn settle(
        &mut self,
        instance: &Instance,
        job: &Job,
        planned: &Planned,
        ending: &Ending,
    ) -> Result<(Option<Usage>, BTreeMap<String, Digest>)> {
        let usage = job.end(ending, &mut self.events)?;
        let outputs = job.store(self.workspace, planned)?;
        for name in self.workspace.unchecked(instance, &outputs) {
            let made = job.made(&name);
            let checked = self.check(instance, &name, made, &outputs[&name]);
            checked.map_err(|error| job.with_place(error))?;
        }
        job.settle(self.workspace, planned, &outputs, &mut self.events)?;
        // Once the lock has the result, nobody looks for what is left of the run.
        job.clean_up(self.workspace)?;
        self.enter(instance, planned, &outputs)?;
        Ok((usage, outputs))
    }
}
