//! Stage `forest-search`: a search for the forest's parameters, fitted to the training images and scored on the
//! validation images.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use forest::{Forest, Shape, streams};
use numeric::{Classes, Matrix, argmax, top_k_accuracy};
use random::Seed;
use rayon::prelude::*;
use search::{Assignment, Method, Search, Space, Trial};
use serde::Deserialize;
use stage::{Input, Output, Progress};
use table_forest_trials::ForestTrial;
use table_predictions::Prediction;
use tables::Subset;

/// `k` of the top-k accuracy that is maximized; 1 for two classes, as top-2 of two is always right.
const TOP: usize = 2;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// Number of trials, at least 1.
    trials: usize,
    /// Sampler of the trials.
    method: Method,
    /// Trials in parallel, at least 1: each depends on the scores of earlier rounds alone.
    parallel: usize,
    /// Search space over parameters of stage `forest`.
    space: Space,
    /// Values of the other parameters.
    forest: Shape,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    predictions: Input<Prediction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    forest_trials: Output<ForestTrial>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    ensure!(
        params.trials > 0 && params.parallel > 0,
        "`trials` and `parallel` are {} and {}, expected at least 1",
        params.trials,
        params.parallel
    );
    let predictions = inputs.predictions.read()?;
    let evaluator = Evaluator {
        train: Images::of(&predictions, Subset::Train)?,
        validation: Images::of(&predictions, Subset::Validation)?,
        classes: Classes::of(predictions.iter().map(|row| row.label.as_str())),
        seed: params.seed.stream(streams::FOREST).number(),
    };
    let cache = TrialCache {
        folder: stage::scratch()?.to_owned(),
    };
    let trials = search(&params, &evaluator, &cache)?;
    outputs.forest_trials.write(rows(&trials, params.forest)?)
}

/// All trials, in their order.
fn search(
    params: &Params,
    evaluator: &Evaluator,
    cache: &TrialCache,
) -> anyhow::Result<Vec<Trial>> {
    let search = Search {
        space: params.space.clone().in_order_of(&streams::SEARCH_ORDER),
        method: params.method,
        seed: params.seed.stream(streams::FOREST_SEARCH).number(),
    };
    let progress = Progress::start("forests", params.trials);
    let mut completed: Vec<Trial> = Vec::new();
    while completed.len() < params.trials {
        let round = params.parallel.min(params.trials - completed.len());
        let proposed = search.ask(&completed, round)?;
        if proposed.is_empty() {
            break;
        }
        let numbered = proposed.into_par_iter().enumerate();
        let round: Vec<Trial> = numbered
            .map(|(idx, values)| {
                let trial = match cache.read(completed.len() + idx, &values) {
                    Some(trial) => trial,
                    None => cache.write(
                        completed.len() + idx,
                        evaluator.trial(values, params.forest)?,
                    )?,
                };
                progress.advance(1);
                Ok(trial)
            })
            .collect::<anyhow::Result<_>>()?;
        completed.extend(round);
        let best = completed.iter().filter_map(|trial| trial.score);
        progress.message(&format!("best {:.4}", best.fold(0.0, f64::max)));
    }
    Ok(completed)
}

/// Images of one subset.
struct Images {
    features: Matrix,
    labels: Vec<String>,
}

impl Images {
    fn of(predictions: &[Prediction], subset: Subset) -> anyhow::Result<Self> {
        let rows = predictions.iter().filter(|row| row.subset == subset);
        let rows: Vec<&Prediction> = rows.collect();
        ensure!(!rows.is_empty(), "the subset `{subset}` has no image");
        let embeddings: Vec<&[f32]> = rows.iter().map(|row| row.embedding.as_slice()).collect();
        Ok(Self {
            features: Matrix::from_rows(&embeddings).context("cannot use the embeddings")?,
            labels: rows.iter().map(|row| row.label.clone()).collect(),
        })
    }

    fn class_indices(&self, classes: &Classes) -> anyhow::Result<Vec<usize>> {
        Ok(classes.encode(self.labels.iter().map(String::as_str))?)
    }
}

/// Evaluator of forests.
struct Evaluator {
    train: Images,
    validation: Images,
    classes: Classes,
    /// Seed of stage `forest`, whose forest is then the one evaluated here.
    seed: u64,
}

impl Evaluator {
    fn trial(&self, params: Assignment, base: Shape) -> anyhow::Result<Trial> {
        let shape = shape(base, &params)?;
        let n_classes = self.classes.len();
        let forest = Forest::fit(
            &self.train.features,
            &self.train.class_indices(&self.classes)?,
            n_classes,
            &shape.into(),
            self.seed,
            || (),
        )
        .context("cannot fit a forest to the images of the subset `train`")?;
        let probabilities = forest.probabilities(&self.validation.features)?;
        let k = TOP.min(n_classes.saturating_sub(1)).max(1);
        let class_indices = self.validation.class_indices(&self.classes)?;
        let rows = probabilities.iter().map(Vec::as_slice).zip(class_indices);
        let score = top_k_accuracy(rows, n_classes, k);
        Ok(Trial::complete(params, score))
    }
}

/// `base` with the values that a trial has for some of its fields.
fn shape(base: Shape, params: &Assignment) -> anyhow::Result<Shape> {
    let mut fields = serde_json::to_value(base)?;
    for (name, value) in params {
        let field = fields.get_mut(name);
        *field.with_context(|| format!("a forest has no parameter `{name}`"))? =
            serde_json::to_value(value)?;
    }
    serde_json::from_value(fields).context("the space has a value that a forest cannot take")
}

/// Cache of the trials of earlier runs: a killed search doesn't fit a forest twice.
struct TrialCache {
    folder: PathBuf,
}

impl TrialCache {
    fn path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("trial-{number:05}.json"))
    }

    /// The trial of this number, if it has the same parameters.
    fn read(&self, number: usize, params: &Assignment) -> Option<Trial> {
        let text = fs_err::read(self.path(number)).ok()?;
        let trial: Trial = serde_json::from_slice(&text).ok()?;
        (trial.params == *params).then_some(trial)
    }

    fn write(&self, number: usize, trial: Trial) -> anyhow::Result<Trial> {
        let path = self.path(number);
        let partial = path.with_extension("part");
        fs_err::write(&partial, serde_json::to_vec(&trial)?)?;
        fs_err::rename(partial, path)?;
        Ok(trial)
    }
}

fn rows(trials: &[Trial], base: Shape) -> anyhow::Result<Vec<ForestTrial>> {
    let scores = trials.iter().map(|trial| trial.score.unwrap_or(0.0));
    let scores: Vec<f64> = scores.collect();
    let best = argmax(&scores);
    let numbered = trials.iter().zip(scores).enumerate();
    numbered
        .map(|(number, (trial, score))| {
            row(
                number,
                shape(base, &trial.params)?,
                score,
                best == Some(number),
            )
        })
        .collect()
}

fn row(number: usize, shape: Shape, score: f64, best: bool) -> anyhow::Result<ForestTrial> {
    Ok(ForestTrial {
        trial: u32::try_from(number)?,
        n_trees: u32::try_from(shape.n_trees)?,
        max_depth: shape.max_depth.into(),
        min_samples_leaf: u32::try_from(shape.min_samples_leaf)?,
        min_samples_split: u32::try_from(shape.min_samples_split)?,
        max_features: u32::try_from(shape.max_features)?,
        criterion: shape.criterion.name().to_owned(),
        bootstrap: shape.bootstrap,
        score,
        best,
    })
}
