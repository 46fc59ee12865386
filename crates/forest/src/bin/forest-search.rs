//! Stage `forest-search`: a search for the forest's parameters, fitted to the training images and scored on the
//! validation images. The first trial is the forest with the parameters of `[forest]`, so that the best one is never
//! worse than that; the sampler doesn't know it, as its parameters can be outside of the search space.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use forest::{Forest, SelectionScore, Shape, streams};
use numeric::{Classes, Matrix};
use random::Seed;
use rayon::prelude::*;
use search::{Assignment, Method, Search, Space, Trial};
use serde::{Deserialize, Serialize};
use stage::{Input, Output, Progress};
use table_forest_trials::ForestTrial;
use table_predictions::Prediction;
use tables::Subset;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// Number of trials, at least 1, besides the first.
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
    let forests = search(&params, &evaluator, &cache)?;
    let best = best(&forests).context("the search has no forest")?;
    report(&forests, best, evaluator.classes.len());
    outputs
        .forest_trials
        .write(rows(&forests, best, params.forest)?)
}

/// A forest of the search: parameters that differ from `[forest]`, and its score on the validation images.
#[derive(Clone, Serialize, Deserialize)]
struct ScoredForest {
    params: Assignment,
    score: SelectionScore,
}

/// All forests, in the order of their trials.
fn search(
    params: &Params,
    evaluator: &Evaluator,
    cache: &TrialCache,
) -> anyhow::Result<Vec<ScoredForest>> {
    let search = Search {
        space: params.space.clone().in_order_of(&streams::SEARCH_ORDER),
        method: params.method,
        seed: params.seed.stream(streams::FOREST_SEARCH).number(),
    };
    let progress = Progress::start("forests", params.trials + 1);
    let fit = |number: usize, values: Assignment| {
        let forest = match cache.read(number, &values) {
            Some(forest) => forest,
            None => cache.write(number, evaluator.fit(values, params.forest)?)?,
        };
        progress.advance(1);
        anyhow::Ok(forest)
    };
    let mut forests = vec![fit(0, Assignment::new())?];
    // The trials of the sampler: all forests but the first.
    let mut completed: Vec<Trial> = Vec::new();
    while completed.len() < params.trials {
        let round = params.parallel.min(params.trials - completed.len());
        let proposed = search.ask(&completed, round)?;
        if proposed.is_empty() {
            break;
        }
        let numbered = proposed.into_par_iter().enumerate();
        let round: Vec<ScoredForest> = numbered
            .map(|(idx, values)| fit(forests.len() + idx, values))
            .collect::<anyhow::Result<_>>()?;
        let trials = round.iter().cloned();
        completed.extend(trials.map(|forest| Trial::complete(forest.params, forest.score.top_k)));
        forests.extend(round);
        let best = forests.iter().map(|forest| forest.score.top_k);
        progress.message(&format!("best {:.4}", best.fold(0.0, f64::max)));
    }
    Ok(forests)
}

/// Index of the best forest; of equals, the first.
fn best(forests: &[ScoredForest]) -> Option<usize> {
    let numbers = (0..forests.len()).rev();
    numbers.max_by(|&a, &b| forests[a].score.compare(&forests[b].score))
}

/// Logs whether the search improved on its first forest.
fn report(forests: &[ScoredForest], best: usize, n_classes: usize) {
    let [first, found] = [0, best].map(|forest| forests[forest].score);
    let k = SelectionScore::k(n_classes);
    if best == 0 {
        tracing::info!(
            "no forest of the search is better than the one of `[forest]`, whose parameters are kept: top-{k} {:.4}, \
             log-loss {:.4} on validation images",
            first.top_k,
            first.log_loss
        );
    } else if found.log_loss > first.log_loss {
        tracing::warn!(
            "the best forest of the search has a higher log-loss on validation images than the one of `[forest]`, {:.4} \
             against {:.4}; it was selected by its top-{k}, {:.4} against {:.4}",
            found.log_loss,
            first.log_loss,
            found.top_k,
            first.top_k
        );
    }
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
    fn fit(&self, params: Assignment, base: Shape) -> anyhow::Result<ScoredForest> {
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
        let labels = self.validation.class_indices(&self.classes)?;
        Ok(ScoredForest {
            params,
            score: SelectionScore::of(&probabilities, &labels, n_classes),
        })
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

    /// The forest of this trial, if it has the same parameters.
    fn read(&self, number: usize, params: &Assignment) -> Option<ScoredForest> {
        let text = fs_err::read(self.path(number)).ok()?;
        let forest: ScoredForest = serde_json::from_slice(&text).ok()?;
        (forest.params == *params).then_some(forest)
    }

    fn write(&self, number: usize, forest: ScoredForest) -> anyhow::Result<ScoredForest> {
        let path = self.path(number);
        let partial = path.with_extension("part");
        fs_err::write(&partial, serde_json::to_vec(&forest)?)?;
        fs_err::rename(partial, path)?;
        Ok(forest)
    }
}

fn rows(forests: &[ScoredForest], best: usize, base: Shape) -> anyhow::Result<Vec<ForestTrial>> {
    let numbered = forests.iter().enumerate();
    let rows = numbered.map(|(number, forest)| {
        let shape = shape(base, &forest.params)?;
        row(number, shape, forest.score, number == best)
    });
    rows.collect()
}

fn row(
    number: usize,
    shape: Shape,
    score: SelectionScore,
    best: bool,
) -> anyhow::Result<ForestTrial> {
    Ok(ForestTrial {
        trial: u32::try_from(number)?,
        n_trees: u32::try_from(shape.n_trees)?,
        max_depth: shape.max_depth.into(),
        min_samples_leaf: u32::try_from(shape.min_samples_leaf)?,
        min_samples_split: u32::try_from(shape.min_samples_split)?,
        max_features: u32::try_from(shape.max_features)?,
        criterion: shape.criterion.name().to_owned(),
        bootstrap: shape.bootstrap,
        score: score.top_k,
        log_loss: score.log_loss,
        best,
    })
}
