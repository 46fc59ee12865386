//! Carrying out a plan: restore, run, record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use store::{Digest, Record};

use crate::cargo::Build;
use crate::config::Action;
use crate::draft::Foreseen;
use crate::error::{Error, Result};
use crate::events::{Event, Events, Outcome, State, Usage};
use crate::graph::Selection;
use crate::instance::Instance;
use crate::job::Job;
use crate::plan::{Decision, Planned, locked};
use crate::process::Interrupts;
use crate::workspace::Workspace;
use crate::{mutex, place};

/// How to carry out a selection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Run what was named even if it is up to date.
    pub force: bool,
}

/// Brings the selected instances up to date, one after another.
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
    let names = order
        .iter()
        .map(|&at| workspace.graph.instances[at].name.chars().count());
    let width = names.max().unwrap_or(0);
    events.event(Event::Planned {
        n_stages: order.len(),
        width,
    });
    let mut executor = Executor {
        workspace,
        options,
        selection,
        order,
        executables: BTreeMap::new(),
        interrupts,
        events,
    };
    let outcomes = executor.run_all();
    let saved = workspace.save_lock().and_then(|()| workspace.save_caches());
    let outcomes = outcomes?;
    saved?;
    show(workspace, selection, events)?;
    Ok(outcomes)
}

/// Passes on the outputs that the user wants to see.
fn show(workspace: &Workspace, selection: &Selection, events: &mut dyn Events) -> Result<()> {
    for at in workspace.in_order(selection) {
        let instance = &workspace.graph.instances[at];
        let output = instance
            .show
            .as_ref()
            .and_then(|name| instance.outputs.get(name));
        if let Some(output) = output {
            let text = fs_err::read_to_string(workspace.root.join(&output.path))?;
            events.event(Event::Show {
                stage: &instance.name,
                text: &text,
            });
        }
    }
    Ok(())
}

struct Executor<'a> {
    workspace: &'a mut Workspace,
    options: Options,
    selection: &'a Selection,
    order: Vec<usize>,
    /// Built in this run, by `crate/binary`.
    executables: BTreeMap<String, PathBuf>,
    interrupts: Interrupts,
    events: &'a mut dyn Events,
}

impl Executor<'_> {
    fn run_all(&mut self) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for at in self.order.clone() {
            self.interrupts.check()?;
            let outcome = self.bring_up_to_date(at)?;
            self.events.event(Event::Finished(&outcome));
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    fn is_forced(&self, at: usize) -> bool {
        self.options.force && self.selection.named.contains(&at)
    }

    fn bring_up_to_date(&mut self, at: usize) -> Result<Outcome> {
        let instance = self.workspace.graph.instances[at].clone();
        let mut decision = self
            .workspace
            .decide(at, &Foreseen::default(), self.is_forced(at))?;
        if let (Decision::Run { .. }, Action::Run(run)) = (&decision, &instance.action)
            && !self.executables.contains_key(run)
        {
            self.build(at)?;
            // The build took time: what was built is what the files say now.
            decision = self
                .workspace
                .decide(at, &Foreseen::default(), self.is_forced(at))?;
        }
        if let Decision::Restore {
            planned,
            record,
            reasons,
        } = &decision
        {
            match self.restore(&instance, planned, record, reasons) {
                Err(Error::Store(
                    error @ (store::Error::Damaged { .. } | store::Error::Missing { .. }),
                )) => {
                    let text = format!("cannot restore: {error}");
                    self.events.event(Event::Warning {
                        stage: &instance.name,
                        text: &text,
                    });
                    // Without the damaged object there's no whole record: it runs.
                    return self.bring_up_to_date(at);
                }
                other => return other,
            }
        }
        match decision {
            Decision::UpToDate { key } => {
                Ok(outcome(&instance, State::UpToDate, Vec::new(), key, None))
            }
            Decision::Run { planned, reasons } => self.run(&instance, &planned, reasons),
            Decision::Blocked { reason } => Err(Error::MissingInputs(vec![format!(
                "stage `{}` cannot run: {reason}",
                instance.name
            )])),
            Decision::Restore { .. } | Decision::Pending { .. } => Err(Error::Invalid(format!(
                "stage `{}` waits for a stage that is done",
                instance.name
            ))),
        }
    }

    fn restore(
        &mut self,
        instance: &Instance,
        planned: &Planned,
        record: &Record,
        reasons: &[String],
    ) -> Result<Outcome> {
        for (name, output) in &instance.outputs {
            let digest = &record.outputs[name];
            place::restore(self.workspace, instance, name, output, digest, self.events)?;
        }
        self.enter(instance, planned, &record.outputs)?;
        Ok(outcome(
            instance,
            State::Restored,
            reasons.to_vec(),
            planned.key,
            None,
        ))
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
        self.workspace.save_lock()
    }

    fn run(
        &mut self,
        instance: &Instance,
        planned: &Planned,
        reasons: Vec<String>,
    ) -> Result<Outcome> {
        self.events.event(Event::Started {
            stage: &instance.name,
            reasons: &reasons,
        });
        let executable = match &instance.action {
            Action::Run(run) => self.executables.get(run).cloned(),
            Action::Command(_) => None,
        };
        let job = Job::prepare(self.workspace, instance, planned, executable)?;
        let ran = job.run(self.workspace, &self.interrupts, self.events);
        let outputs = match ran {
            Ok(usage) => job
                .collect(self.workspace, planned, self.events)
                .map(|outputs| (outputs, usage)),
            Err(error) => Err(error),
        };
        let (outputs, usage) = match outputs {
            Ok(done) => done,
            Err(error) => {
                place::recover(self.workspace)?;
                return Err(error);
            }
        };
        self.enter(instance, planned, &outputs)?;
        job.clean_up()?;
        self.workspace.save_caches()?;
        Ok(outcome(
            instance,
            State::Ran,
            reasons,
            planned.key,
            Some(usage),
        ))
    }

    /// Builds the binary of the instance `first` and of all later ones that
    /// will run whatever comes of it.
    fn build(&mut self, first: usize) -> Result<()> {
        let build = self.what_to_build(first)?;
        let binaries: Vec<String> = build.binaries.iter().cloned().collect();
        self.events.event(Event::Building {
            binaries: &binaries,
        });
        self.executables = build.run(&self.workspace.root, &self.interrupts)?;
        self.workspace.forget_code();
        self.interrupts.check()?;
        self.check_names()?;
        match &self.workspace.graph.instances[first].action {
            Action::Run(run) if !self.executables.contains_key(run) => Err(Error::Cargo {
                what: format!("find the executable of `{run}`"),
                why: "cargo built it but did not name it".into(),
            }),
            _ => Ok(()),
        }
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
        }
        Ok(())
    }

    fn what_to_build(&mut self, first: usize) -> Result<Build> {
        let mut foreseen = Foreseen::default();
        let mut runs: BTreeSet<String> = self.executables.keys().cloned().collect();
        let later = self.order.iter().position(|&at| at == first).unwrap_or(0);
        for &at in &self.order[later..] {
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

fn outcome(
    instance: &Instance,
    state: State,
    reasons: Vec<String>,
    key: Digest,
    usage: Option<Usage>,
) -> Outcome {
    Outcome {
        stage: instance.name.clone(),
        state,
        reasons,
        key: Some(key),
        usage,
    }
}
