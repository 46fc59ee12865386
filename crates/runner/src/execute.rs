//! Execution of a plan: restore, run, record.
//!
//! One thread decides, starts tasks, takes the updates of the executor, stores and records. Decisions depend on the
//! outputs of stages and never on the order in which they ended.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use executor::{Executor, Interrupts, Resources, TaskId, Update};
use keys::inputs::Derivation;
use keys::reason::Reason;
use ledger::runs::State;
use sandbox::Limits;
use store::{Amount, Digest, remove_path};
use workflow::graph::{InstanceId, Selection};
use workflow::instance::Instance;

use crate::error::{Error, Result};
use crate::events::{Event, Events, Outcome};
use crate::executors::executor;
use crate::limits::Sandbox;
use crate::ordered::InOrder;
use crate::task::Job;
use crate::workspace::Workspace;
use crate::{device_trial, missing_inputs, staging, task};

mod build;
mod instance;
mod schedule;
#[cfg(test)]
mod tests;

use schedule::{Progress, Schedule};

/// Minimum interval between two writes of `pipeline.lock`. Writing after every stage would cost O(n²) bytes. Results
/// that a killed repro didn't write are restored from the cache, not run.
const UNSAVED: Duration = Duration::from_millis(500);

/// Longest wait for an update before signals are checked.
const TICK: Duration = Duration::from_millis(50);

/// Options of a repro.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Run named instances even if they are up to date.
    pub force: bool,
    /// After a failure, go on with instances that don't follow from it.
    pub keep_going: bool,
    /// Ask before each run.
    pub is_interactive: bool,
    /// Confinement of stages to declared files.
    pub sandbox: Sandbox,
    /// Number of stages that may run at once.
    pub jobs: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            force: false,
            keep_going: false,
            is_interactive: false,
            sandbox: Sandbox::default(),
            jobs: NonZeroUsize::MIN,
        }
    }
}

/// Brings the selected instances up to date, each after those that it follows.
///
/// Where it keeps going, failures are among the outcomes.
///
/// # Errors
/// An input is missing, a build or a stage fails, or a signal to stop came.
/// Results until then are recorded.
pub fn repro(
    workspace: &mut Workspace,
    selection: &Selection,
    options: Options,
    events: &mut dyn Events,
) -> Result<Vec<Outcome>> {
    let interrupts = Interrupts::catch()?;
    let mut executor = executor(options.jobs, &interrupts);
    repro_on(
        &mut executor,
        interrupts,
        workspace,
        selection,
        options,
        events,
    )
}

/// As [`repro`], with tasks run by `executor`.
fn repro_on(
    executor: &mut dyn Executor,
    interrupts: Interrupts,
    workspace: &mut Workspace,
    selection: &Selection,
    options: Options,
    events: &mut dyn Events,
) -> Result<Vec<Outcome>> {
    options.sandbox.check()?;
    missing_inputs::check(&workspace.workflow, selection)?;
    workspace.check_binaries(selection)?;
    let _lock = workspace.acquire(&interrupts, events)?;
    workspace.reload_lock()?;
    staging::recover(workspace, executor, events)?;
    device_trial::settle_for(workspace, selection, &interrupts, events)?;
    let order = workspace.workflow.graph.in_order(selection);
    let names = { order.iter() }.map(|&id| workspace.workflow.graph.instances[id].name.clone());
    let names: Vec<String> = names.collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    events.event(Event::Planned {
        n_stages: order.len(),
        width: width.unwrap_or(0),
    });
    let scheduler = Scheduler {
        options,
        selection,
        plan: Schedule::new(order, &workspace.workflow.graph.before),
        executables: BTreeMap::new(),
        broken: BTreeSet::new(),
        interrupts,
        events: InOrder::new(events, names.into_iter()),
        executor,
        running: BTreeMap::new(),
        outcomes: BTreeMap::new(),
        failures: BTreeMap::new(),
        wanted: BTreeSet::new(),
        common: OnceCell::new(),
        unsaved: None,
        has_forecast: false,
        workspace: &mut *workspace,
    };
    let outcomes = scheduler.run_all();
    let saved = workspace.save_lock().and_then(|()| workspace.save_caches());
    let removed = remove_path(&staging::passing(workspace));
    let outcomes = outcomes?;
    saved?;
    removed?;
    if outcomes.iter().any(|outcome| outcome.state == State::Ran)
        && let Some(Amount { files, bytes }) = workspace.cache().trim()?.filter(|it| it.files > 0)
    {
        events.event(Event::Trimmed { files, bytes });
    }
    show(workspace, selection, events)?;
    Ok(outcomes)
}

/// Passes on the outputs that the user wants to see, as far as they were made.
fn show(workspace: &Workspace, selection: &Selection, events: &mut dyn Events) -> Result<()> {
    for id in workspace.workflow.graph.in_order(selection) {
        let instance = &workspace.workflow.graph.instances[id];
        let shown = instance.show.as_ref();
        let output = shown.and_then(|name| instance.outputs.get(name));
        let path = output.map(|output| workspace.workflow.root.join(&output.path));
        if let Some(path) = path.filter(|path| path.exists()) {
            let text = fs_err::read_to_string(path)?;
            events.event(Event::Show {
                stage: &instance.name,
                text: &text,
            });
        }
    }
    Ok(())
}

/// Result of the attempt to bring an instance up to date.
enum Begun {
    Done(Outcome),
    Running,
    NeedsRoom(Digest),
    /// Its binary, or the checker of its outputs, was not built for this key.
    NotBuilt(Digest, Error),
    /// The user doesn't want it to run.
    Unwanted,
}

/// A stage at work.
struct Running {
    job: Job,
    derivation: Derivation,
    reasons: Vec<Reason>,
    /// True once the executor has been called to end it.
    is_killed: bool,
}

struct Scheduler<'a> {
    workspace: &'a mut Workspace,
    options: Options,
    selection: &'a Selection,
    plan: Schedule,
    /// Built in this run, by `crate/binary`.
    executables: BTreeMap<String, PathBuf>,
    /// Binaries that cargo could not build in this run, by `crate/binary`.
    broken: BTreeSet<String>,
    interrupts: Interrupts,
    events: InOrder<'a>,
    executor: &'a mut dyn Executor,
    running: BTreeMap<InstanceId, Running>,
    outcomes: BTreeMap<InstanceId, Outcome>,
    failures: BTreeMap<InstanceId, Error>,
    /// Instances whose run the user has confirmed.
    wanted: BTreeSet<InstanceId>,
    /// Limits common to all stages, once one has run; none where stages are unconfined.
    common: OnceCell<Option<Limits>>,
    /// True once the forecast was reported.
    has_forecast: bool,
    /// Since when the lock on disk has lacked a result.
    unsaved: Option<Instant>,
}

impl Scheduler<'_> {
    fn run_all(mut self) -> Result<Vec<Outcome>> {
        loop {
            while let Some(id) = self.next() {
                self.begin(id);
            }
            if self.running.is_empty() {
                break;
            }
            self.listen();
        }
        self.events.flush();
        self.interrupts.check()?;
        let is_tolerated = |error: &Error| self.options.keep_going && error.is_of_stage();
        self.failures.retain(|_, error| !is_tolerated(error));
        self.first_failure()?;
        let mut outcomes = self.outcomes;
        Ok({ self.plan.order().iter() }
            .filter_map(|id| outcomes.remove(id))
            .collect())
    }

    /// The failure that comes first in the plan, with the messages of the others.
    fn first_failure(&mut self) -> Result<()> {
        let order = self.plan.order().iter();
        let mut failures = order.filter_map(|id| self.failures.remove(id));
        let Some(first) = failures.next() else {
            return Ok(());
        };
        let others: Vec<String> = failures.map(|error| error.to_string()).collect();
        match others.as_slice() {
            [] => Err(first),
            others => Err(Error::Several(Box::new(first), others.join("\n"))),
        }
    }

    /// The first instance in the order of the plan that something can be done about.
    fn next(&self) -> Option<InstanceId> {
        let mut failures = self.failures.values();
        let is_stopped = failures.any(|error| !(self.options.keep_going && error.is_of_stage()));
        let has_place = self.executor.has_room(&Resources::default());
        if is_stopped || !has_place || self.interrupts.check().is_err() {
            return None;
        }
        let mut ready = self.plan.ready();
        let can_begin = |(id, progress): &(InstanceId, Progress)| match progress {
            Progress::NeedsRoom(key) => self.has_room(*id, key),
            _ => true,
        };
        ready.find(can_begin).map(|(id, _)| id)
    }

    /// Returns whether an instance may start: its resources are free, and no running instance has the same key.
    fn has_room(&self, id: InstanceId, key: &Digest) -> bool {
        let needed = task::needed(&self.workspace.workflow.graph.instances[id]);
        let mut running = self.running.values();
        self.executor.has_room(&needed) && running.all(|running| running.derivation.key != *key)
    }

    fn begin(&mut self, id: InstanceId) {
        match self.bring_up_to_date(id) {
            Ok(Begun::Done(outcome)) => self.end(id, outcome),
            Ok(Begun::Running) => self.plan.set(id, Progress::Running),
            Ok(Begun::NeedsRoom(key)) => self.plan.set(id, Progress::NeedsRoom(key)),
            Ok(Begun::NotBuilt(key, error)) => self.fail(id, Some(key), error),
            Ok(Begun::Unwanted) => self.skip(id, Reason::NotWanted),
            Err(error) => self.fail(id, None, error),
        }
    }

    fn end(&mut self, id: InstanceId, outcome: Outcome) {
        self.plan.set(id, Progress::Ended);
        self.events.event(Event::Finished(&outcome));
        self.outcomes.insert(id, outcome);
    }

    fn fail(&mut self, id: InstanceId, key: Option<Digest>, error: Error) {
        let instance = Arc::clone(&self.workspace.workflow.graph.instances[id]);
        if self.options.keep_going && error.is_of_stage() {
            let message = error.to_string();
            self.events.event(Event::Failed {
                stage: &instance.name,
                message: &message,
            });
            let stage = instance.name.clone();
            self.skip_followers(id, &Reason::Failed { stage });
            let failed = outcome(&instance, State::Failed);
            self.end(id, Outcome { key, ..failed });
        } else {
            self.plan.set(id, Progress::Ended);
            self.report_stopping(&instance.name);
        }
        self.failures.insert(id, error);
    }

    fn report_stopping(&mut self, stage: &str) {
        let running = self.running.keys();
        let running = running.map(|&id| self.workspace.workflow.graph.instances[id].name.clone());
        let running: Vec<String> = running.collect();
        if !running.is_empty() && self.interrupts.check().is_ok() {
            self.events.event(Event::Stopping {
                stage,
                running: &running,
            });
        }
    }

    fn skip(&mut self, id: InstanceId, reason: Reason) {
        let instance = Arc::clone(&self.workspace.workflow.graph.instances[id]);
        let stage = instance.name.clone();
        self.skip_followers(id, &Reason::Skipped { stage });
        let skipped = outcome(&instance, State::Skipped);
        let reasons = vec![reason];
        self.end(id, Outcome { reasons, ..skipped });
    }

    /// Skips all that follows from an instance.
    fn skip_followers(&mut self, id: InstanceId, reason: &Reason) {
        for follower in self.plan.followers(id) {
            if !self.plan.is_ended(follower) {
                let skipped = outcome(
                    &self.workspace.workflow.graph.instances[follower],
                    State::Skipped,
                );
                let reasons = vec![reason.clone()];
                self.end(follower, Outcome { reasons, ..skipped });
            }
        }
    }

    /// Writes the lock and the caches, if that hasn't been done for a while.
    fn save_if_due(&mut self) {
        if self.unsaved.is_some_and(|since| since.elapsed() >= UNSAVED) {
            self.unsaved = None;
            // A failure here is repeated and reported at the end.
            let _ = self.workspace.save_lock();
            let _ = self.workspace.save_caches();
        }
    }

    /// Waits for an update of a running stage. After a signal all that run are ended.
    fn listen(&mut self) {
        loop {
            if self.interrupts.check().is_err() {
                self.kill_all();
            }
            match self.executor.next(TICK) {
                Some((task, update)) => return self.take(&task, update),
                None => self.save_if_due(),
            }
        }
    }

    fn kill_all(&mut self) {
        for running in self.running.values_mut().filter(|it| !it.is_killed) {
            running.is_killed = true;
            self.executor.kill(&running.job.task().id);
        }
    }

    /// Passes on an update of a task, or ends its instance with the last one.
    fn take(&mut self, task: &TaskId, update: Update) {
        let mut running = self.running.iter();
        let Some((&id, running)) = running.find(|(_, running)| running.job.task().id == *task)
        else {
            return;
        };
        let stage = &self.workspace.workflow.graph.instances[id].name;
        let interrupted = self.interrupts.check().map_err(Error::from);
        let ending = match update {
            Update::Progress(progress) => {
                let progress = &progress;
                return self.events.event(Event::Progress { stage, progress });
            }
            Update::Warning(text) => {
                return self.events.event(Event::Warning { stage, text: &text });
            }
            Update::Ended(ending) if running.is_killed => interrupted.map(|()| ending),
            Update::Ended(ending) => Ok(ending),
            Update::NotStarted(why) => interrupted.and(Err(Error::NotStarted {
                stage: stage.clone(),
                why,
            })),
            Update::Lost(why) => interrupted.and(Err(Error::Lost {
                stage: stage.clone(),
                why,
            })),
        };
        self.events.event(Event::Ended { stage });
        self.ended(id, ending);
    }
}

fn outcome(instance: &Instance, state: State) -> Outcome {
    Outcome {
        stage: instance.name.clone(),
        state,
        reasons: Vec::new(),
        key: None,
        usage: None,
    }
}
