//! A trial: the pipeline with other parameters, fold by fold, beside the current state.

use anyhow::{Context, ensure};
use numeric::median;
use pipeline::execute::{self, Options};
use pipeline::{Sandbox, Workspace};
use search::{Assignment, State, Trial};
use workflow::graph::Reach;
use workflow::params::Overrides;

use super::declared::Study;
use super::folder_name;
use crate::live::Live;
use crate::print;

/// Characters that are shown of what is no score.
const SHOWN: usize = 40;

/// Runs trials of a study.
pub(crate) struct Runner<'a> {
    pub(crate) study: &'a Study,
    /// What all trials have in common.
    pub(crate) overrides: &'a Overrides,
    pub(crate) sandbox: Sandbox,
    pub(crate) quiet: bool,
}

impl Runner<'_> {
    /// Runs the trial of `params`, which is stopped where it is hopeless beside those `told`. A stage that fails makes a
    /// failed trial.
    pub(crate) fn run(&self, params: Assignment, told: &[Trial]) -> anyhow::Result<Trial> {
        let mut workspace = self.open(&params)?;
        let instances = self.scoring(&workspace)?;
        let mut trial = Trial::running(params);
        let mut scores = Vec::new();
        for (done, instance) in (1..).zip(&instances) {
            let Some(score) = self.score(&mut workspace, instance)? else {
                trial.state = State::Failed;
                trial.score = None;
                return Ok(trial);
            };
            scores.push(score);
            trial.steps.push(median(&scores));
            trial.score = trial.steps.last().copied();
            let pruner = self.study.declared.pruner;
            let is_hopeless = pruner.is_some_and(|pruner| pruner.is_hopeless(&trial.steps, told));
            if is_hopeless && done < instances.len() {
                trial.state = State::Pruned;
                return Ok(trial);
            }
        }
        trial.state = State::Complete;
        Ok(trial)
    }

    fn open(&self, params: &Assignment) -> anyhow::Result<Workspace> {
        let mut overrides = self.overrides.clone();
        for (key, value) in &self.study.settings(params) {
            // JSON's flags, numbers and strings are TOML's.
            let value = serde_json::to_string(value)?;
            overrides.settings.push(format!("{key}={value}"));
        }
        let root = self.study.root.clone();
        Ok(Workspace::open_aside(
            root,
            &overrides,
            &folder_name(&self.study.name),
        )?)
    }

    /// The instances that score, in their order.
    fn scoring(&self, workspace: &Workspace) -> anyhow::Result<Vec<String>> {
        let stage = &self.study.declared.score;
        let instances = workspace.workflow.graph.instances.iter();
        let names = instances.filter(|instance| instance.stage == *stage);
        let names: Vec<String> = names.map(|instance| instance.name.clone()).collect();
        ensure!(!names.is_empty(), "there is no stage `{stage}` to score by");
        Ok(names)
    }

    /// Brings an instance up to date and reads its number; none if a stage failed, or the number isn't finite.
    fn score(&self, workspace: &mut Workspace, instance: &str) -> anyhow::Result<Option<f64>> {
        let targets = [instance.to_owned()];
        let selection =
            workspace
                .workflow
                .graph
                .select(&workspace.workflow.root, &targets, Reach::Upstream)?;
        let mut live = Live::new(self.quiet, false);
        let options = Options {
            sandbox: self.sandbox,
            ..Options::default()
        };
        let ran = execute::repro(workspace, &selection, options, &mut live);
        live.end();
        match ran {
            Err(error) if error.is_of_stage() => {
                print::error(&error.to_string());
                return Ok(None);
            }
            other => other?,
        };
        match read(workspace, instance)? {
            Ok(score) => Ok(Some(score)),
            Err(text) => {
                print::error(&format!(
                    "`{instance}` wrote `{text}`, expected one finite number: the trial failed"
                ));
                Ok(None)
            }
        }
    }
}

/// The number that an instance wrote, or what it wrote instead.
fn read(workspace: &Workspace, name: &str) -> anyhow::Result<Result<f64, String>> {
    let instance = &workspace.workflow.graph.instances[workspace.workflow.graph.one(name)?];
    let mut outputs = instance.outputs.keys();
    let (Some(output), None) = (outputs.next(), outputs.next()) else {
        anyhow::bail!(
            "stage `{}` scores, so it needs exactly one output",
            instance.stage
        );
    };
    let path = workspace.made(name, output)?;
    let path = path.with_context(|| format!("`{name}` left no `{output}`"))?;
    let text = String::from_utf8_lossy(&fs_err::read(path)?).into_owned();
    let score: Option<f64> = text.trim().parse().ok();
    let score = score.filter(|score| score.is_finite());
    Ok(score.ok_or_else(|| text.trim().chars().take(SHOWN).collect()))
}
