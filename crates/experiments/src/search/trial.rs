//! A trial: the pipeline with other parameters, fold by fold, beside the current state.

use std::fmt;

use ::search::{Assignment, State, Trial};
use numeric::median;
use runner::execute::Options;
use runner::{Sandbox, Workspace};
use workflow::graph::Reach;
use workflow::params::Overrides;

use super::declaration::SearchFile;
use crate::error::{Error, Result};
use crate::repro::Repro;
use crate::state;

/// Maximum number of characters that are shown of what is no score.
const SHOWN: usize = 40;

/// Runs trials of a search.
#[derive(Debug)]
pub(super) struct Runner<'a> {
    pub(super) search: &'a SearchFile,
    /// What all trials have in common.
    pub(super) overrides: &'a Overrides,
    pub(super) sandbox: Sandbox,
}

/// A trial that has ended.
#[derive(Debug)]
pub struct Tried {
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
    /// The scoring instance wrote something else than a number.
    NoScore {
        /// The instance.
        instance: String,
        /// The beginning of what it wrote.
        text: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Stage(error) => write!(f, "{error}"),
            Fault::NoScore { instance, text } => write!(
                f,
                "`{instance}` wrote `{text}`, expected one finite number: the trial failed"
            ),
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
    ) -> Result<Tried> {
        let mut workspace = self.open(&params)?;
        let instances = self.scoring(&workspace)?;
        let mut trial = Trial::running(params);
        let mut scores = Vec::new();
        for (done, instance) in (1..).zip(&instances) {
            match self.score(&mut workspace, instance, repro)? {
                Ok(score) => scores.push(score),
                Err(fault) => {
                    trial.state = State::Failed;
                    trial.score = None;
                    let fault = Some(fault);
                    return Ok(Tried { trial, fault });
                }
            }
            trial.steps.push(median(&scores));
            trial.score = trial.steps.last().copied();
            let pruner = self.search.declaration.pruner;
            let is_hopeless = pruner.is_some_and(|pruner| pruner.is_hopeless(&trial.steps, trials));
            if is_hopeless && done < instances.len() {
                trial.state = State::Pruned;
                return Ok(Tried { trial, fault: None });
            }
        }
        trial.state = State::Complete;
        Ok(Tried { trial, fault: None })
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

    /// The instances that score, in their order.
    fn scoring(&self, workspace: &Workspace) -> Result<Vec<String>> {
        let stage = &self.search.declaration.score;
        let instances = workspace.workflow.graph.instances.iter();
        let names = instances.filter(|instance| instance.stage == *stage);
        let names: Vec<String> = names.map(|instance| instance.name.clone()).collect();
        if names.is_empty() {
            return Err(Error::NoScoringStage(stage.clone()));
        }
        Ok(names)
    }

    /// Brings an instance up to date and reads its number.
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
        let read = read(workspace, instance)?;
        Ok(read.map_err(|text| Fault::NoScore {
            instance: instance.to_owned(),
            text,
        }))
    }
}

/// The number that an instance wrote, or what it wrote instead.
fn read(workspace: &Workspace, name: &str) -> Result<Result<f64, String>> {
    let instance = &workspace.workflow.graph.instances[workspace.workflow.graph.one(name)?];
    let mut outputs = instance.outputs.keys();
    let (Some(output), None) = (outputs.next(), outputs.next()) else {
        return Err(Error::ScoreOutputs(instance.stage.clone()));
    };
    let path = workspace.made(name, output)?;
    let path = path.ok_or_else(|| Error::NoOutput {
        instance: name.to_owned(),
        output: output.clone(),
    })?;
    let text = String::from_utf8_lossy(&fs_err::read(path)?).into_owned();
    let score: Option<f64> = text.trim().parse().ok();
    let score = score.filter(|score| score.is_finite());
    Ok(score.ok_or_else(|| text.trim().chars().take(SHOWN).collect()))
}
