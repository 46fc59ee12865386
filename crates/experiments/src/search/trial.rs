//! A trial: the pipeline with other parameters, fold by fold, beside the current state.

use std::fmt;

use ::search::{Assignment, State, Trial};
use numeric::median;
use runner::execute::Options;
use runner::{Sandbox, Workspace};
use workflow::graph::Reach;
use workflow::params::Overrides;

use super::declaration::SearchFile;
use crate::error::Result;
use crate::repro::Repro;
use crate::state;

/// Runs trials of a search.
#[derive(Debug)]
pub(super) struct Runner<'a> {
    pub(super) search: &'a SearchFile,
    /// Changes of parameters that all trials share.
    pub(super) overrides: &'a Overrides,
    pub(super) sandbox: Sandbox,
}

/// Result of a trial.
#[derive(Debug)]
pub struct TrialResult {
    /// The trial.
    pub trial: Trial,
    /// The reason of a failure.
    pub fault: Option<Fault>,
}

/// The reason why a trial has no score.
#[derive(Debug)]
pub enum Fault {
    /// A stage failed.
    Stage(runner::Error),
    /// An instance has no finite number as its score, for this reason.
    NoScore(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Stage(error) => write!(f, "{error}"),
            Fault::NoScore(reason) => write!(f, "{reason}: the trial failed"),
        }
    }
}

impl Runner<'_> {
    /// Runs the trial of `params`, which is stopped where it is hopeless beside those of `trials`. A stage that fails
    /// makes a failed trial.
    pub(super) fn run(
        &self,
        params: Assignment,
        trials: &[Trial],
        repro: &mut Repro<'_>,
    ) -> Result<TrialResult> {
        let mut workspace = self.open(&params)?;
        let instances = self.search.declaration.score.instances(&workspace)?;
        let mut trial = Trial::running(params);
        let mut scores = Vec::new();
        for (done, instance) in (1..).zip(&instances) {
            match self.score(&mut workspace, instance, repro)? {
                Ok(score) => scores.push(score),
                Err(fault) => {
                    trial.state = State::Failed;
                    trial.score = None;
                    let fault = Some(fault);
                    return Ok(TrialResult { trial, fault });
                }
            }
            trial.steps.push(median(&scores));
            trial.score = trial.steps.last().copied();
            let pruner = self.search.declaration.pruner;
            let is_hopeless = pruner.is_some_and(|pruner| pruner.is_hopeless(&trial.steps, trials));
            if is_hopeless && done < instances.len() {
                trial.state = State::Pruned;
                return Ok(TrialResult { trial, fault: None });
            }
        }
        trial.state = State::Complete;
        Ok(TrialResult { trial, fault: None })
    }

    fn open(&self, params: &Assignment) -> Result<Workspace> {
        let mut overrides = self.overrides.clone();
        for (key, value) in &self.search.settings(params) {
            // JSON's flags, numbers and strings are TOML's.
            let value = serde_json::to_string(value)?;
            overrides.settings.push(format!("{key}={value}"));
        }
        let root = self.search.root.clone();
        state::open(root, &overrides, &self.search.folder_name())
    }

    /// Brings an instance up to date and reads its score.
    fn score(
        &self,
        workspace: &mut Workspace,
        instance: &str,
        repro: &mut Repro<'_>,
    ) -> Result<Result<f64, Fault>> {
        let targets = [instance.to_owned()];
        let selection =
            workspace
                .workflow
                .graph
                .select(&workspace.workflow.root, &targets, Reach::Upstream)?;
        let options = Options {
            sandbox: self.sandbox,
            ..Options::default()
        };
        match repro(workspace, &selection, options) {
            Err(error) if error.is_of_stage() => return Ok(Err(Fault::Stage(error))),
            other => other?,
        };
        let score = self.search.declaration.score.read(workspace, instance)?;
        Ok(score.map_err(Fault::NoScore))
    }
}
