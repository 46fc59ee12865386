//! One instance, from the decision to the record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use executor::{Ending, Usage};
use keys::inputs::Derivation;
use keys::reason::Reason;
use ledger::check_stamp;
use ledger::runs::{Run, State};
use sandbox::Limits;
use store::{Digest, Record};
use workflow::declaration::Action;
use workflow::graph::InstanceId;
use workflow::instance::Instance;

use super::{Begun, Running, Scheduler, outcome};
use crate::accept::Accepted;
use crate::decide::{Decision, decide};
use crate::error::{Error, Result};
use crate::events::{Event, Events, Outcome};
use crate::forecast::{Times, Width, forecast};
use crate::observe::snapshot;
use crate::plan::Plan;
use crate::predicted::Predicted;
use crate::task::{self, Binary, Job};
use crate::{log, staging};

impl Scheduler<'_> {
    /// Instances that run even if they are up to date.
    pub(super) fn forced(&self) -> BTreeSet<InstanceId> {
        match self.options.force {
            true => self.selection.named.clone(),
            false => BTreeSet::new(),
        }
    }

    fn decide(&mut self, id: InstanceId) -> Result<Decision> {
        let is_forced = self.options.force && self.selection.named.contains(&id);
        let (graph, mut observer) = self.workspace.observer();
        observer.executables = Some(&self.executables);
        let snapshot = snapshot(graph, id, &Predicted::default(), is_forced, &mut observer)?;
        Ok(decide(snapshot))
    }

    /// Reports what will run from the instance `first` on, once in a run.
    fn forecast_once(&mut self, first: InstanceId) -> Result<()> {
        if std::mem::replace(&mut self.has_forecast, true) {
            return Ok(());
        }
        let times = Times::read(&self.workspace.runs())?;
        let width = Width {
            jobs: self.options.jobs.get(),
            gpus: self.executor.n_gpus(),
        };
        let order = self.plan.from(first).to_vec();
        let forced = self.forced();
        let (graph, mut observer) = self.workspace.observer();
        let plan = Plan::new(graph, order, forced, Predicted::default(), &mut observer);
        let forecast = forecast(graph, plan, &times, width)?;
        self.events.event(Event::Forecast(&forecast));
        Ok(())
    }

    pub(super) fn bring_up_to_date(&mut self, id: InstanceId) -> Result<Begun> {
        let instance = Arc::clone(&self.workspace.workflow.graph.instances[id]);
        match self.decide(id)? {
            Decision::UpToDate { key, unchecked } => {
                self.check_in_place(&instance, &unchecked)?;
                let key = Some(key);
                let outcome = outcome(&instance, State::UpToDate);
                Ok(Begun::Done(Outcome { key, ..outcome }))
            }
            Decision::Frozen { restore } => self.leave_frozen(&instance, &restore),
            Decision::Restore {
                derivation,
                record,
                reasons,
            } => {
                let restored = self.restore(&instance, &derivation, &record, reasons);
                self.done_or_again(id, &instance, restored)
            }
            Decision::SameBinary {
                derivation,
                last,
                record,
                restore,
            } => {
                let taken = self.take_last(&instance, &derivation, &last, record, &restore);
                self.done_or_again(id, &instance, taken)
            }
            Decision::Run {
                derivation,
                reasons,
            } => self.run(id, &instance, derivation, reasons),
            Decision::Blocked(reason) => Err(Error::MissingInputs(vec![format!(
                "stage `{}` cannot run: {reason}",
                instance.name
            )])),
            Decision::Pending { .. } => Err(Error::Stalled(instance.name.clone())),
        }
    }

    /// The end of an instance whose outputs came from the cache. If one of them is lost, a warning, and another
    /// decision.
    fn done_or_again(
        &mut self,
        id: InstanceId,
        instance: &Instance,
        restored: Result<Outcome>,
    ) -> Result<Begun> {
        match restored {
            Err(Error::Store(
                error @ (store::Error::Damaged { .. } | store::Error::Missing { .. }),
            )) => {
                let text = format!("cannot restore: {error}");
                self.events.event(Event::Warning {
                    stage: &instance.name,
                    text: &text,
                });
                // Without the damaged object there's no whole record: it runs.
                self.bring_up_to_date(id)
            }
            restored => restored.map(Begun::Done),
        }
    }

    /// Puts an output in its place, from the cache.
    fn put_back(&mut self, instance: &Instance, name: &str, digest: &Digest) -> Result<()> {
        let output = &instance.outputs[name];
        staging::restore(
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
        restore: &BTreeMap<String, Digest>,
    ) -> Result<Begun> {
        for (name, digest) in restore {
            self.put_back(instance, name, digest)?;
        }
        Ok(Begun::Done(outcome(instance, State::Frozen)))
    }

    fn restore(
        &mut self,
        instance: &Instance,
        derivation: &Derivation,
        record: &Record,
        reasons: Vec<Reason>,
    ) -> Result<Outcome> {
        for name in instance.outputs.keys() {
            self.put_back(instance, name, &record.outputs[name])?;
        }
        self.check_restored(instance, derivation, &record.outputs)?;
        self.enter(instance, derivation, &record.outputs)?;
        let key = Some(derivation.key);
        let outcome = outcome(instance, State::Restored);
        Ok(Outcome {
            reasons,
            key,
            ..outcome
        })
    }

    /// Takes the result of the key `last` for that of code that was built to the same binary.
    fn take_last(
        &mut self,
        instance: &Instance,
        derivation: &Derivation,
        last: &Digest,
        record: Record,
        restore: &BTreeMap<String, Digest>,
    ) -> Result<Outcome> {
        for (name, digest) in restore {
            self.put_back(instance, name, digest)?;
        }
        self.check_restored(instance, derivation, &record.outputs)?;
        let accepted = Accepted {
            state: State::SameBinary,
            how: Reason::SameBinary { key: *last },
            outputs: record.outputs,
            binary: record.binary,
        };
        let outcome = accepted.record(self.workspace, instance, derivation)?;
        self.enter(instance, derivation, &accepted.outputs)?;
        Ok(outcome)
    }

    /// Checks restored outputs of a key, and removes the work folder of a killed run with this key.
    fn check_restored(
        &mut self,
        instance: &Instance,
        derivation: &Derivation,
        outputs: &BTreeMap<String, Digest>,
    ) -> Result<()> {
        let unchecked = self.unchecked(instance, outputs);
        self.check_in_place(instance, &unchecked)?;
        // The run may have been killed when all but this was done.
        Ok(store::remove_path(&task::work(
            self.workspace,
            &derivation.key,
        ))?)
    }

    /// Outputs whose check hasn't passed yet.
    fn unchecked(&self, instance: &Instance, outputs: &BTreeMap<String, Digest>) -> Vec<String> {
        let store = self.workspace.state.store.as_ref();
        check_stamp::unchecked(instance, outputs, |check, content| {
            store.is_some_and(|store| check_stamp::has_passed(store, check, content))
        })
    }

    /// Notes a result in the lock.
    pub(super) fn enter(
        &mut self,
        instance: &Instance,
        derivation: &Derivation,
        outputs: &BTreeMap<String, Digest>,
    ) -> Result<()> {
        let entry = derivation.locked(instance, outputs);
        self.workspace
            .state
            .lock
            .insert(instance.name.clone(), entry);
        self.unsaved.get_or_insert_with(Instant::now);
        self.save_if_due();
        self.workspace.note_key(&derivation.key)
    }

    /// Starts an instance, if the user wants it to run and there is room.
    fn run(
        &mut self,
        id: InstanceId,
        instance: &Instance,
        mut derivation: Derivation,
        reasons: Vec<Reason>,
    ) -> Result<Begun> {
        self.forecast_once(id)?;
        let asks = self.options.is_interactive && !self.wanted.contains(&id);
        if asks && !self.events.may_run(&instance.name, &reasons) {
            return Ok(Begun::Unwanted);
        }
        self.wanted.insert(id);
        if !self.has_room(id, &derivation.key) {
            return Ok(Begun::NeedsRoom(derivation.key));
        }
        if let Some(missing) = self.unbuilt(instance) {
            if let Err(error) = self.build(id, &missing) {
                return Ok(Begun::NotBuilt(derivation.key, error));
            }
            // Files may have changed during the build.
            match self.decide(id)? {
                Decision::Run {
                    derivation: now, ..
                } => derivation = now,
                _ => return self.bring_up_to_date(id),
            }
        }
        let binary = self.binary(instance)?;
        self.start(id, instance, derivation, reasons, binary.as_ref())?;
        Ok(Begun::Running)
    }

    /// The binary of an instance, which was built; none for a foreign command.
    fn binary(&mut self, instance: &Instance) -> Result<Option<Binary>> {
        let path = match &instance.action {
            Action::Run(run) => self.executables.get(run),
            Action::Command(_) => None,
        };
        let binary = path.map(|path| {
            let digest = self.workspace.state.index.digest(path)?;
            let path = path.clone();
            Ok(Binary { path, digest })
        });
        binary.transpose()
    }

    fn start(
        &mut self,
        id: InstanceId,
        instance: &Instance,
        derivation: Derivation,
        reasons: Vec<Reason>,
        binary: Option<&Binary>,
    ) -> Result<()> {
        // A later run of the same state continues an unfinished one.
        self.workspace.note_key(&derivation.key)?;
        self.workspace.state.forget_observed();
        let job = self.prepare(instance, &derivation, binary)?;
        self.events.event(Event::Started {
            stage: &instance.name,
            reasons: &reasons,
        });
        let task = job.task().clone();
        let running = Running {
            job,
            derivation,
            reasons,
            is_killed: false,
        };
        match self.executor.start(task) {
            Ok(()) => {
                self.running.insert(id, running);
                Ok(())
            }
            Err(error) => self.conclude(id, running, Err(error.into())).map(|_| ()),
        }
    }

    /// Makes everything ready for a process, or leaves it as it was.
    fn prepare(
        &mut self,
        instance: &Instance,
        derivation: &Derivation,
        binary: Option<&Binary>,
    ) -> Result<Job> {
        let common = self.common(instance);
        let job = Job::prepare(
            self.workspace,
            instance,
            derivation,
            binary,
            common.as_ref(),
        )?;
        if let Err(error) = job.begin(self.workspace) {
            job.recover(self.workspace, &error)?;
            return Err(error);
        }
        Ok(job)
    }

    /// Limits of the stage beside its declared files; none where it is unconfined.
    fn common(&mut self, instance: &Instance) -> Option<Limits> {
        if instance.rules.is_unconfined {
            return None;
        }
        let sandbox = self.options.sandbox;
        if self.common.get().is_none() {
            let root = &self.workspace.workflow.root;
            let common = sandbox.common(root);
            sandbox.report_unconfined(common.as_ref(), root, &mut self.events);
            self.common.get_or_init(|| common);
        }
        self.common.get().cloned().flatten()
    }

    /// Ends an instance whose process has ended.
    pub(super) fn ended(&mut self, id: InstanceId, ending: Result<Ending>) {
        let Some(running) = self.running.remove(&id) else {
            return;
        };
        let key = running.derivation.key;
        match self.conclude(id, running, ending) {
            Ok(outcome) => self.end(id, outcome),
            Err(error) => self.fail(id, Some(key), error),
        }
    }

    /// Records the outputs of a process that has ended, or restores the previous state.
    fn conclude(
        &mut self,
        id: InstanceId,
        running: Running,
        ending: Result<Ending>,
    ) -> Result<Outcome> {
        let Running {
            job,
            derivation,
            reasons,
            ..
        } = running;
        self.workspace.state.forget_observed();
        let instance = Arc::clone(&self.workspace.workflow.graph.instances[id]);
        let mut run = Run::new(
            &instance,
            &derivation,
            &reasons,
            self.workspace.workflow.state_folder(),
            self.workspace
                .state
                .environment(&self.workspace.workflow.root),
        );
        run.variables.extend(job.environment());
        if let Ok(ending) = &ending {
            run.status = log::status(ending);
            run.usage = ending.usage;
            run.variables.extend(ending.environment.iter().cloned());
        }
        let settled = ending.and_then(|ending| self.settle(&instance, &job, &derivation, &ending));
        match self.note(run, &instance, settled) {
            Ok(usage) => Ok(Outcome {
                reasons,
                key: Some(derivation.key),
                usage,
                ..outcome(&instance, State::Ran)
            }),
            Err(error) => {
                let distrusted = job.distrust(self.workspace, &derivation);
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
                self.workspace.runs().append(run, instance, &outputs)?;
                Ok(usage)
            }
            Err(error) => {
                run.outcome = Some(State::Failed);
                run.failure = error.to_string().lines().next().map(str::to_owned);
                // The first failure is the one to report.
                let _ = self
                    .workspace
                    .runs()
                    .append(run, instance, &BTreeMap::new());
                Err(error)
            }
        }
    }

    /// Stores, checks and records the outputs of a run, and moves them in.
    fn settle(
        &mut self,
        instance: &Instance,
        job: &Job,
        derivation: &Derivation,
        ending: &Ending,
    ) -> Result<(Option<Usage>, BTreeMap<String, Digest>)> {
        let usage = job.end(ending, &mut self.events)?;
        let outputs = job.store(self.workspace, derivation)?;
        for name in self.unchecked(instance, &outputs) {
            let made = job.made(&name);
            let checked = self.check(instance, &name, made, &outputs[&name]);
            checked.map_err(|error| job.with_place(error))?;
        }
        job.settle(self.workspace, derivation, &outputs, &mut self.events)?;
        // Before the lock has the result: afterwards, no run would clean up.
        job.clean_up(self.workspace)?;
        self.enter(instance, derivation, &outputs)?;
        Ok((usage, outputs))
    }
}
