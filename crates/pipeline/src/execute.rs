//! Carrying out a plan: restore, run, record.
//!
//! One thread decides, stores and records; each running stage has another, which listens to it. What is decided
//! depends on what stages made and never on which of them ended first.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

use store::{Digest, Record};

use crate::cargo::Build;
use crate::checks::CHECKER;
use crate::config::Action;
use crate::draft::Foreseen;
use crate::error::{Error, Result};
use crate::events::{Event, Events, Outcome, State, Usage};
use crate::graph::Selection;
use crate::in_order::InOrder;
use crate::instance::Instance;
use crate::job::Job;
use crate::plan::{Decision, Planned, locked};
use crate::process::{Interrupts, Message};
use crate::resources::{Room, Share};
use crate::supervise::Ending;
use crate::workspace::Workspace;
use crate::{mutex, place};

/// How to carry out a selection.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Run what was named even if it is up to date.
    pub force: bool,
    /// After a failure, go on with what doesn't follow from it.
    pub keep_going: bool,
    /// Ask before each run.
    pub is_interactive: bool,
    /// How many stages may run at once.
    pub jobs: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            force: false,
            keep_going: false,
            is_interactive: false,
            jobs: NonZeroUsize::MIN,
        }
    }
}

/// Brings the selected instances up to date, each after those that it follows.
///
/// Where it keeps going, failures are among the outcomes.
///
/// # Errors
/// An input is missing, a build or a stage fails, or a signal asks to stop.
/// What was done until then is recorded.
pub fn repro(
    workspace: &mut Workspace,
    selection: &Selection,
    options: Options,
    events: &mut dyn Events,
) -> Result<Vec<Outcome>> {
    let interrupts = Interrupts::catch()?;
    workspace.check_sources(selection)?;
    workspace.check_binaries(selection)?;
    let _lock = mutex::acquire(&workspace.own("lock"), &interrupts, events)?;
    workspace.reload_lock()?;
    place::recover(workspace)?;
    let order = workspace.in_order(selection);
    let names = { order.iter() }.map(|&at| workspace.graph.instances[at].name.clone());
    let names: Vec<String> = names.collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    events.event(Event::Planned {
        n_stages: order.len(),
        width: width.unwrap_or(0),
    });
    let executor = Executor {
        options,
        selection,
        stages: order.iter().map(|&at| (at, Progress::Waiting)).collect(),
        order,
        executables: BTreeMap::new(),
        interrupts,
        events: InOrder::new(events, names.into_iter()),
        room: Room::of_machine(options.jobs),
        running: BTreeMap::new(),
        reports: channel(),
        outcomes: BTreeMap::new(),
        failures: BTreeMap::new(),
        wanted: BTreeSet::new(),
        workspace: &mut *workspace,
    };
    let outcomes = executor.run_all();
    let saved = workspace.save_lock().and_then(|()| workspace.save_caches());
    let outcomes = outcomes?;
    saved?;
    show(workspace, selection, events)?;
    Ok(outcomes)
}

/// Passes on the outputs that the user wants to see, as far as they were made.
fn show(workspace: &Workspace, selection: &Selection, events: &mut dyn Events) -> Result<()> {
    for at in workspace.in_order(selection) {
        let instance = &workspace.graph.instances[at];
        let shown = instance.show.as_ref();
        let output = shown.and_then(|name| instance.outputs.get(name));
        let path = output.map(|output| workspace.root.join(&output.path));
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

/// How far an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// For others that it follows, or for its turn.
    Waiting,
    /// It has to run under this key, and there was no room.
    NeedsRoom(Digest),
    Running,
    /// Done, failed or skipped.
    Ended,
}

/// What came of the attempt to bring an instance up to date.
enum Begun {
    Done(Outcome),
    Running,
    NeedsRoom(Digest),
    /// The user doesn't want it to run.
    Unwanted,
}

/// A stage at work.
struct Running {
    job: Job,
    planned: Planned,
    reasons: Vec<String>,
    share: Share,
}

/// What the thread of a running stage tells.
enum Report {
    Said(Message),
    Ended(Result<Ending>),
}

/// Of which instance a report is.
type Told = (usize, Report);

/// Instances are named by their positions in the graph.
struct Executor<'a> {
    workspace: &'a mut Workspace,
    options: Options,
    selection: &'a Selection,
    order: Vec<usize>,
    /// Built in this run, by `crate/binary`.
    executables: BTreeMap<String, PathBuf>,
    interrupts: Interrupts,
    events: InOrder<'a>,
    stages: BTreeMap<usize, Progress>,
    room: Room,
    running: BTreeMap<usize, Running>,
    reports: (Sender<Told>, Receiver<Told>),
    outcomes: BTreeMap<usize, Outcome>,
    failures: BTreeMap<usize, Error>,
    /// What the user was asked about and wants to run.
    wanted: BTreeSet<usize>,
}

impl Executor<'_> {
    fn run_all(mut self) -> Result<Vec<Outcome>> {
        loop {
            while let Some(at) = self.next() {
                self.begin(at);
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
        Ok({ self.order.iter() }
            .filter_map(|at| outcomes.remove(at))
            .collect())
    }

    /// The failure that comes first in the plan; others are told as warnings.
    fn first_failure(&mut self) -> Result<()> {
        let order = self.order.clone();
        let mut failures = { order.iter() }.filter_map(|at| self.failures.remove(at));
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
    fn next(&self) -> Option<usize> {
        let mut failures = self.failures.values();
        let is_stopped = failures.any(|error| !(self.options.keep_going && error.is_of_stage()));
        if is_stopped || self.interrupts.check().is_err() {
            return None;
        }
        let mut order = self.order.iter().copied();
        order.find(|at| match &self.stages[at] {
            Progress::Waiting => self.room.has_place() && self.is_ready(*at),
            Progress::NeedsRoom(key) => self.has_room(*at, key),
            Progress::Running | Progress::Ended => false,
        })
    }

    fn is_ready(&self, at: usize) -> bool {
        let mut upstream = self.workspace.graph.upstream[at].iter();
        upstream.all(|above| {
            let above = self.stages.get(above);
            above.is_none_or(|above| *above == Progress::Ended)
        })
    }

    /// Whether an instance may start: what it needs is free, and nobody makes the very same at the moment.
    fn has_room(&self, at: usize, key: &Digest) -> bool {
        let needed = &self.workspace.graph.instances[at].rules.resources;
        let mut running = self.running.values();
        self.room.fits(needed) && running.all(|running| running.planned.key != *key)
    }

    fn begin(&mut self, at: usize) {
        match self.bring_up_to_date(at) {
            Ok(Begun::Done(outcome)) => self.end(at, outcome),
            Ok(Begun::Running) => self.set(at, Progress::Running),
            Ok(Begun::NeedsRoom(key)) => self.set(at, Progress::NeedsRoom(key)),
            Ok(Begun::Unwanted) => self.skip(at, "not wanted"),
            Err(error) => self.fail(at, None, error),
        }
    }

    fn set(&mut self, at: usize, progress: Progress) {
        self.stages.insert(at, progress);
    }

    fn end(&mut self, at: usize, outcome: Outcome) {
        self.set(at, Progress::Ended);
        self.events.event(Event::Finished(&outcome));
        self.outcomes.insert(at, outcome);
    }

    fn fail(&mut self, at: usize, key: Option<Digest>, error: Error) {
        let instance = self.workspace.graph.instances[at].clone();
        if self.options.keep_going && error.is_of_stage() {
            let message = error.to_string();
            self.events.event(Event::Failed {
                stage: &instance.name,
                message: &message,
            });
            self.skip_followers(at, &format!("`{}` failed", instance.name));
            let failed = outcome(&instance, State::Failed);
            self.end(at, Outcome { key, ..failed });
        } else {
            self.set(at, Progress::Ended);
        }
        self.failures.insert(at, error);
    }

    fn skip(&mut self, at: usize, reason: &str) {
        let instance = self.workspace.graph.instances[at].clone();
        self.skip_followers(at, &format!("`{}` was skipped", instance.name));
        let skipped = outcome(&instance, State::Skipped);
        let reasons = vec![reason.to_owned()];
        self.end(at, Outcome { reasons, ..skipped });
    }

    /// Skips all that follows from an instance.
    fn skip_followers(&mut self, at: usize, reason: &str) {
        let mut lost = BTreeSet::from([at]);
        for follower in self.order.clone() {
            let upstream = &self.workspace.graph.upstream[follower];
            if upstream.is_disjoint(&lost) || !lost.insert(follower) {
                continue;
            }
            if self.stages[&follower] != Progress::Ended {
                let skipped = outcome(&self.workspace.graph.instances[follower], State::Skipped);
                let reasons = vec![reason.to_owned()];
                self.end(follower, Outcome { reasons, ..skipped });
            }
        }
    }

    /// Waits for a running stage to say something, or to end.
    fn listen(&mut self) {
        let (at, report) = { self.reports.1.recv() }.expect("a sender is kept beside the receiver");
        let stage = &self.workspace.graph.instances[at].name;
        match report {
            Report::Said(Message::Progress(progress)) => self.events.event(Event::Progress {
                stage,
                progress: &progress,
            }),
            Report::Said(Message::Warn(text)) => {
                self.events.event(Event::Warning { stage, text: &text });
            }
            Report::Ended(ending) => {
                self.events.event(Event::Ended { stage });
                self.ended(at, ending);
            }
        }
    }

    fn is_forced(&self, at: usize) -> bool {
        self.options.force && self.selection.named.contains(&at)
    }

    fn decide(&mut self, at: usize) -> Result<Decision> {
        let forced = self.is_forced(at);
        self.workspace.decide(at, &Foreseen::default(), forced)
    }

    fn bring_up_to_date(&mut self, at: usize) -> Result<Begun> {
        let instance = self.workspace.graph.instances[at].clone();
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

    fn leave_frozen(
        &mut self,
        instance: &Instance,
        missing: &BTreeMap<String, Digest>,
    ) -> Result<Begun> {
        for (name, digest) in missing {
            let output = &instance.outputs[name];
            place::restore(
                self.workspace,
                instance,
                name,
                output,
                digest,
                &mut self.events,
            )?;
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
        for (name, output) in &instance.outputs {
            let digest = &record.outputs[name];
            place::restore(
                self.workspace,
                instance,
                name,
                output,
                digest,
                &mut self.events,
            )?;
        }
        let unchecked = self.workspace.unchecked(instance, &record.outputs);
        self.check_in_place(instance, &unchecked)?;
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
    fn enter(
        &mut self,
        instance: &Instance,
        planned: &Planned,
        outputs: &BTreeMap<String, Digest>,
    ) -> Result<()> {
        let entry = locked(instance, planned, outputs);
        self.workspace
            .lock
            .stages
            .insert(instance.name.clone(), entry);
        self.workspace.note_key(&planned.key)?;
        self.workspace.save_lock()
    }

    /// Starts an instance, if the user wants it to run and there is room.
    fn run(
        &mut self,
        at: usize,
        instance: &Instance,
        mut planned: Planned,
        reasons: Vec<String>,
    ) -> Result<Begun> {
        let asks = self.options.is_interactive && !self.wanted.contains(&at);
        if asks && !self.events.may_run(&instance.name, &reasons) {
            return Ok(Begun::Unwanted);
        }
        self.wanted.insert(at);
        if !self.has_room(at, &planned.key) {
            return Ok(Begun::NeedsRoom(planned.key));
        }
        let executable = match &instance.action {
            Action::Run(run) if !self.executables.contains_key(run) => {
                let run = run.clone();
                self.build(at, &run)?;
                // The build took time: what was built is what the files say now.
                match self.decide(at)? {
                    Decision::Run { planned: now, .. } => planned = now,
                    _ => return self.bring_up_to_date(at),
                }
                self.executables.get(&run).cloned()
            }
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
        let share = self.room.take(&instance.rules.resources);
        let job = self.prepare(instance, &planned, executable, &share);
        let job = match job {
            Ok(job) => job,
            Err(error) => {
                self.room.give_back(share);
                return Err(error);
            }
        };
        self.events.event(Event::Started {
            stage: &instance.name,
            reasons: &reasons,
        });
        let report = self.reports.0.clone();
        let hear = report.clone();
        // Whoever listens outlives the stage.
        let process = job.process(&self.interrupts, move |message| {
            let _ = hear.send((at, Report::Said(message)));
        });
        std::thread::spawn(move || {
            let _ = report.send((at, Report::Ended(process())));
        });
        let running = Running {
            job,
            planned,
            reasons,
            share,
        };
        self.running.insert(at, running);
        Ok(())
    }

    /// Makes everything ready for a process, or leaves it as it was.
    fn prepare(
        &mut self,
        instance: &Instance,
        planned: &Planned,
        executable: Option<PathBuf>,
        share: &Share,
    ) -> Result<Job> {
        let job = Job::prepare(self.workspace, instance, planned, executable, share)?;
        if let Err(error) = job.begin(self.workspace) {
            job.recover(self.workspace)?;
            return Err(error);
        }
        Ok(job)
    }

    /// Records what a process left that has ended, or puts back what was there before.
    fn ended(&mut self, at: usize, ending: Result<Ending>) {
        let Some(Running {
            job,
            planned,
            reasons,
            share,
        }) = self.running.remove(&at)
        else {
            return;
        };
        self.room.give_back(share);
        let instance = self.workspace.graph.instances[at].clone();
        let settled = ending.and_then(|ending| self.settle(&instance, &job, &planned, &ending));
        match settled {
            Ok(usage) => {
                let outcome = outcome(&instance, State::Ran);
                self.end(
                    at,
                    Outcome {
                        reasons,
                        key: Some(planned.key),
                        usage: Some(usage),
                        ..outcome
                    },
                );
            }
            Err(error) => {
                let recovered = job.recover(self.workspace);
                let error = recovered.err().unwrap_or(error);
                self.fail(at, Some(planned.key), error);
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
    ) -> Result<Usage> {
        let usage = job.end(self.workspace, ending)?;
        let outputs = job.store(self.workspace, planned)?;
        for name in self.workspace.unchecked(instance, &outputs) {
            self.check(instance, &name, job.made(&name), &outputs[&name])?;
        }
        job.settle(self.workspace, planned, &outputs, &mut self.events)?;
        self.enter(instance, planned, &outputs)?;
        job.clean_up()?;
        self.workspace.save_caches()?;
        Ok(usage)
    }

    /// Checks outputs in their places.
    fn check_in_place(&mut self, instance: &Instance, names: &[String]) -> Result<()> {
        for name in names {
            let path = self.workspace.root.join(&instance.outputs[name].path);
            let digest = self.workspace.index.digest(&path)?;
            self.check(instance, name, &path, &digest)?;
        }
        Ok(())
    }

    fn check(
        &mut self,
        instance: &Instance,
        name: &str,
        path: &Path,
        digest: &Digest,
    ) -> Result<()> {
        if !self.executables.contains_key(CHECKER) {
            let mut build = Build::of(&self.workspace.graph.instances);
            build.binaries = self.executables.keys().cloned().collect();
            self.build_all(build, CHECKER)?;
        }
        let checker = self.executables[CHECKER].clone();
        self.workspace
            .check_output(instance, &checker, (name, path), digest)
    }

    /// Builds the binary `run` of the instance `first` and those of all later ones that will run whatever comes of it.
    fn build(&mut self, first: usize, run: &str) -> Result<()> {
        let build = self.what_to_build(first)?;
        self.build_all(build, run)
    }

    /// Builds, with the checker where a stage needs it, and makes sure of the binary `needed`.
    fn build_all(&mut self, mut build: Build, needed: &str) -> Result<()> {
        let instances = self.workspace.graph.instances.iter();
        if { instances }.any(|instance| !instance.rules.checks.is_empty()) {
            build.binaries.insert(CHECKER.to_owned());
        }
        let binaries: Vec<String> = build.binaries.iter().cloned().collect();
        self.events.event(Event::Building {
            binaries: &binaries,
        });
        self.executables = build.run(&self.workspace.root, &self.interrupts)?;
        self.workspace.forget_code();
        self.interrupts.check()?;
        if !self.executables.contains_key(needed) {
            return Err(Error::Cargo {
                what: format!("find the executable of `{needed}`"),
                why: "cargo built it but did not name it".into(),
            });
        }
        self.check_names()
    }

    /// Asks what was built about all that it is going to be given: a typo costs no run.
    fn check_names(&self) -> Result<()> {
        for &at in &self.order {
            let instance = &self.workspace.graph.instances[at];
            if let Action::Run(run) = &instance.action
                && let Some(executable) = self.executables.get(run)
            {
                self.workspace.check_names(instance, executable)?;
            }
            if let Some(checker) = self.executables.get(CHECKER) {
                self.workspace.check_words(instance, checker)?;
            }
        }
        Ok(())
    }

    fn what_to_build(&mut self, first: usize) -> Result<Build> {
        let mut foreseen = Foreseen::default();
        for &at in self.running.keys() {
            foreseen.note_running(at, &self.workspace.graph.instances[at]);
        }
        let mut runs: BTreeSet<String> = self.executables.keys().cloned().collect();
        let later = self.order.iter().position(|&at| at == first).unwrap_or(0);
        for &at in &self.order[later..] {
            if self.running.contains_key(&at) {
                continue;
            }
            let decision = self.workspace.decide(at, &foreseen, self.is_forced(at))?;
            let instance = &self.workspace.graph.instances[at];
            foreseen.note(at, instance, &decision);
            let is_sure = matches!(
                decision,
                Decision::Run { .. } | Decision::Pending { certain: true, .. }
            );
            if let (true, Action::Run(run)) = (is_sure, &instance.action) {
                runs.insert(run.clone());
            }
        }
        let mut build = Build::of(&self.workspace.graph.instances);
        build.binaries = runs;
        Ok(build)
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
