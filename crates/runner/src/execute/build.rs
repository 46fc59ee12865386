//! Binaries of stages, and the program that checks their outputs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use keys::cargo::Built;
use store::Digest;
use workflow::declaration::Action;
use workflow::graph::InstanceId;
use workflow::instance::Instance;

use super::Scheduler;
use crate::build::{Build, TABLES};
use crate::decide::Decision;
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::plan::Plan;
use crate::predicted::Predicted;
use crate::{name_check, output_check};

impl Scheduler<'_> {
    /// Checks outputs in their places.
    pub(super) fn check_in_place(&mut self, instance: &Instance, names: &[String]) -> Result<()> {
        for name in names {
            let path = self
                .workspace
                .workflow
                .root
                .join(&instance.outputs[name].path);
            let digest = self.workspace.state.index.digest(&path)?;
            self.check(instance, name, &path, &digest)?;
        }
        Ok(())
    }

    pub(super) fn check(
        &mut self,
        instance: &Instance,
        name: &str,
        path: &Path,
        digest: &Digest,
    ) -> Result<()> {
        if !self.executables.contains_key(TABLES) {
            let mut build = Build::of(&self.workspace.workflow.graph.instances);
            build.binaries = self.executables.keys().cloned().collect();
            self.build_all(build, instance, TABLES)?;
        }
        let checker = self.executables[TABLES].clone();
        let workflow = &self.workspace.workflow;
        let store = self.workspace.state.store()?;
        output_check::check_output(workflow, store, instance, &checker, (name, path), digest)
    }

    /// A binary that an instance needs, or that its outputs are checked with, and that isn't built yet.
    pub(super) fn unbuilt(&self, instance: &Instance) -> Option<String> {
        let own = match &instance.action {
            Action::Run(run) => Some(run.as_str()),
            Action::Command(_) => None,
        };
        let checker = (!instance.rules.checks.is_empty()).then_some(TABLES);
        let mut needed = own.into_iter().chain(checker);
        let missing = needed.find(|run| !self.executables.contains_key(*run));
        missing.map(str::to_owned)
    }

    /// Builds the binary `run` of the instance `first` and those of all later ones that are certain to run.
    pub(super) fn build(&mut self, first: InstanceId, run: &str) -> Result<()> {
        let instance = Arc::clone(&self.workspace.workflow.graph.instances[first]);
        let build = self.planned_build(first)?;
        self.build_all(build, &instance, run)
    }

    /// Builds, with the checker where a stage needs it, and makes sure of the binary `needed` for an instance.
    fn build_all(&mut self, mut build: Build, instance: &Instance, needed: &str) -> Result<()> {
        if self.broken.contains(needed) {
            return Err(not_built(instance, needed));
        }
        build.keep_going = self.options.keep_going;
        let instances = &self.workspace.workflow.graph.instances;
        let mut order = self.plan.order().iter();
        if order.any(|&id| !instances[id].rules.checks.is_empty()) {
            build.binaries.insert(TABLES.to_owned());
        }
        build.binaries.retain(|run| !self.broken.contains(run));
        let binaries: Vec<String> = build.binaries.iter().cloned().collect();
        self.events.event(Event::Building {
            binaries: &binaries,
        });
        let built = build.run(&self.workspace.workflow.root, &self.interrupts)?;
        self.executables.clone_from(&built.executables);
        self.workspace.forget_code();
        self.interrupts.check()?;
        let is_missing = |run: &String| !self.executables.contains_key(run);
        self.broken.extend(binaries.into_iter().filter(is_missing));
        self.check_code(&built)?;
        self.check_names()?;
        if self.executables.contains_key(needed) {
            Ok(())
        } else {
            Err(not_built(instance, needed))
        }
    }

    /// Checks that keys cover all files and variables that the stages were made from.
    fn check_code(&mut self, built: &Built) -> Result<()> {
        for &id in self.plan.order() {
            let instance = Arc::clone(&self.workspace.workflow.graph.instances[id]);
            let (Action::Run(run), stage) = (&instance.action, &instance.name) else {
                continue;
            };
            self.workspace.check_code(stage, run, built)?;
        }
        Ok(())
    }

    /// Has the built stages check the names of their jobs: a typo costs no run.
    fn check_names(&self) -> Result<()> {
        for &id in self.plan.order() {
            let instance = &self.workspace.workflow.graph.instances[id];
            if let Action::Run(run) = &instance.action
                && let Some(executable) = self.executables.get(run)
            {
                name_check::check_names(&self.workspace.workflow, instance, executable)?;
            }
            if let Some(checker) = self.executables.get(TABLES) {
                output_check::check_words(&self.workspace.workflow, instance, checker)?;
            }
        }
        Ok(())
    }

    fn planned_build(&mut self, first: InstanceId) -> Result<Build> {
        let mut predicted = Predicted::default();
        for &id in self.running.keys() {
            predicted.note_running(id);
        }
        let mut order = self.plan.from(first).to_vec();
        order.retain(|id| !self.running.contains_key(id));
        let mut runs: BTreeSet<String> = self.executables.keys().cloned().collect();
        let forced = self.forced();
        let (graph, mut observer) = self.workspace.observer();
        for decided in Plan::new(graph, order, forced, predicted, &mut observer) {
            let (id, decision) = decided?;
            let is_sure = matches!(
                decision,
                Decision::Run { .. } | Decision::Pending { certain: true, .. }
            );
            if let (true, Action::Run(run)) = (is_sure, &graph.instances[id].action) {
                runs.insert(run.clone());
            }
        }
        let mut build = Build::of(&graph.instances);
        build.binaries = runs;
        Ok(build)
    }
}

fn not_built(instance: &Instance, run: &str) -> Error {
    Error::NotBuilt {
        stage: instance.name.clone(),
        run: run.to_owned(),
    }
}
