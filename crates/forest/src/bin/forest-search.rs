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

/// An image counts as right if its class is among so many, and the first alone where there are two classes: of two, all
/// are right.
const TOP: usize = 2;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// How many forests are tried, at least 1.
    trials: usize,
    /// How the next trial is found.
    method: Method,
    /// Trials that are carried out side by side, at least 1: each knows the scores of earlier rounds alone.
    parallel: usize,
    /// What may vary: parameters of stage `forest`.
    space: Space,
    /// What the others are.
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
    trials: Output<ForestTrial>,
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
    let judge = Judge {
        train: Images::of(&predictions, Subset::Train)?,
        validation: Images::of(&predictions, Subset::Validation)?,
        classes: Classes::of(predictions.iter().map(|row| row.label.as_str())),
        seed: params.seed.stream(streams::GROW).number(),
    };
    let kept = Kept {
        folder: stage::scratch()?.to_owned(),
    };
    let trials = search(&params, &judge, &kept)?;
    outputs.trials.write(rows(&trials, params.forest)?)
}

/// All trials, in their order.
fn search(params: &Params, judge: &Judge, kept: &Kept) -> anyhow::Result<Vec<Trial>> {
    let search = Search {
        space: params.space.clone().in_order_of(&streams::SEARCH_ORDER),
        method: params.method,
        seed: params.seed.stream(streams::TUNE).number(),
    };
    let progress = Progress::start("forests", params.trials);
    let mut told: Vec<Trial> = Vec::new();
    while told.len() < params.trials {
        let round = params.parallel.min(params.trials - told.len());
        let asked = search.ask(&told, round)?;
        if asked.is_empty() {
            break;
        }
        let numbered = asked.into_par_iter().enumerate();
        let round: Vec<Trial> = numbered
            .map(|(idx, tried)| {
                let trial = match kept.read(told.len() + idx, &tried) {
                    Some(trial) => trial,
                    None => kept.write(told.len() + idx, judge.trial(tried, params.forest)?)?,
                };
                progress.advance(1);
                Ok(trial)
            })
            .collect::<anyhow::Result<_>>()?;
        told.extend(round);
        let best = told.iter().filter_map(|trial| trial.score);
        progress.message(&format!("best {:.4}", best.fold(0.0, f64::max)));
    }
    Ok(told)
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

    fn codes(&self, classes: &Classes) -> anyhow::Result<Vec<usize>> {
        Ok(classes.encode(self.labels.iter().map(String::as_str))?)
    }
}

/// Says how good a forest is.
struct Judge {
    train: Images,
    validation: Images,
    classes: Classes,
    /// That of stage `forest`, whose forest is then the one judged here.
    seed: u64,
}

impl Judge {
    fn trial(&self, tried: Assignment, base: Shape) -> anyhow::Result<Trial> {
        let shape = shape(base, &tried)?;
        let n_classes = self.classes.len();
        let forest = Forest::fit(
            &self.train.features,
            &self.train.codes(&self.classes)?,
            n_classes,
            &shape.into(),
            self.seed,
            || (),
        )
        .context("cannot fit a forest to the images of the subset `train`")?;
        let probabilities = forest.probabilities(&self.validation.features)?;
        let k = TOP.min(n_classes.saturating_sub(1)).max(1);
        let codes = self.validation.codes(&self.classes)?;
        let rows = probabilities.iter().map(Vec::as_slice).zip(codes);
        let score = top_k_accuracy(rows, n_classes, k);
        Ok(Trial::complete(tried, score))
    }
}

/// `base` with the values that a trial has for some of its fields.
fn shape(base: Shape, tried: &Assignment) -> anyhow::Result<Shape> {
    let mut fields = serde_json::to_value(base)?;
    for (name, value) in tried {
        let field = fields.get_mut(name);
        *field.with_context(|| format!("a forest has no parameter `{name}`"))? =
            serde_json::to_value(value)?;
    }
    serde_json::from_value(fields).context("the space has a value that a forest cannot take")
}

/// Trials that a run before this one finished: a killed search doesn't grow a forest twice.
struct Kept {
    folder: PathBuf,
}

impl Kept {
    fn path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("trial-{number:05}.json"))
    }

    /// The trial of this number, if it tried the same.
    fn read(&self, number: usize, tried: &Assignment) -> Option<Trial> {
        let text = fs_err::read(self.path(number)).ok()?;
        let trial: Trial = serde_json::from_slice(&text).ok()?;
        (trial.params == *tried).then_some(trial)
    }

    fn write(&self, number: usize, trial: Trial) -> anyhow::Result<Trial> {
        let path = self.path(number);
        let aside = path.with_extension("part");
        fs_err::write(&aside, serde_json::to_vec(&trial)?)?;
        fs_err::rename(aside, path)?;
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
        features_per_split: u32::try_from(shape.max_features)?,
        criterion: shape.criterion.name().to_owned(),
        bootstrap: shape.bootstrap,
        score,
        best,
    })
}
