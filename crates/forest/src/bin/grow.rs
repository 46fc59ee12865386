//! Stage `grow`: a balanced random forest on the chosen network's embeddings.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use forest::{Criterion, Features, Forest, ForestParams};
use serde::Deserialize;
use stage::{Input, Output, Progress, Seed};
use tables::forest_prediction::ForestPrediction;
use tables::prediction::Prediction;

/// The part that the forest is grown on.
const TRAIN: &str = "train";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// Number of trees, at least 1.
    n_trees: usize,
    /// Splits from the root to the deepest leaf; 0 for no limit.
    max_depth: u16,
    /// Least rows of a leaf, at least 1, of the tree's own sample: equally many rows of each class.
    min_samples_leaf: usize,
    /// Least rows of a node that may be split, at least 2.
    min_samples_split: usize,
    /// Dimensions of the embedding drawn for each split; 0 for the square root of their number.
    features_per_split: usize,
    /// What a split is to make purer: `gini` or `entropy`.
    criterion: Criterion,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    predictions: Input<Prediction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    predictions: Output<ForestPrediction>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let predictions = inputs.predictions.read()?;
    let classes = classes(&predictions)?;
    let forest = grow(&predictions, &classes, &params)?;
    let probabilities = forest.probabilities(&features(&predictions)?)?;
    let rows = predictions.into_iter().zip(probabilities);
    outputs.predictions.write(
        rows.map(|(prediction, shares)| row(prediction, &shares, &classes))
            .collect(),
    )
}

/// Names of the classes in the order of their codes.
fn classes(predictions: &[Prediction]) -> anyhow::Result<Vec<String>> {
    let mut classes: Vec<String> = predictions
        .iter()
        .map(|prediction| prediction.label.clone())
        .collect();
    classes.sort_unstable();
    classes.dedup();
    for prediction in predictions {
        ensure!(
            prediction.logits.len() == classes.len(),
            "the network has {} classes, but the pictures have {}: `{}`",
            prediction.logits.len(),
            classes.len(),
            classes.join("`, `")
        );
    }
    Ok(classes)
}

fn features<'a>(predictions: impl IntoIterator<Item = &'a Prediction>) -> anyhow::Result<Features> {
    let rows: Vec<&[f32]> = predictions
        .into_iter()
        .map(|prediction| prediction.embedding.as_slice())
        .collect();
    Features::from_rows(&rows).context("cannot use the embeddings")
}

fn grow(predictions: &[Prediction], classes: &[String], params: &Params) -> anyhow::Result<Forest> {
    let train: Vec<&Prediction> = predictions
        .iter()
        .filter(|prediction| prediction.part == TRAIN)
        .collect();
    let labels = train
        .iter()
        .map(|prediction| code(&prediction.label, classes))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let progress = Progress::start("trees", params.n_trees);
    let shape = ForestParams {
        n_trees: params.n_trees,
        max_depth: (params.max_depth > 0).then_some(params.max_depth),
        min_samples_leaf: params.min_samples_leaf,
        min_samples_split: params.min_samples_split,
        features_per_split: (params.features_per_split > 0).then_some(params.features_per_split),
        criterion: params.criterion,
    };
    let seed = params.seed.stream("grow").number();
    Forest::fit(
        &features(train)?,
        &labels,
        classes.len(),
        &shape,
        seed,
        || progress.advance(1),
    )
    .with_context(|| format!("cannot grow a forest on the pictures of part `{TRAIN}`"))
}

fn code(label: &str, classes: &[String]) -> anyhow::Result<u32> {
    let place = classes.binary_search_by(|class| class.as_str().cmp(label));
    let place = place.expect("the classes are those of the pictures");
    u32::try_from(place).context("there are too many classes")
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the table holds probabilities in single precision"
)]
fn row(prediction: Prediction, shares: &[f64], classes: &[String]) -> ForestPrediction {
    ForestPrediction {
        path: prediction.path,
        label: prediction.label,
        part: prediction.part,
        probabilities: shares.iter().map(|&share| share as f32).collect(),
        predicted: classes[most_voted(shares)].clone(),
    }
}

/// Index of the largest share; of equals, the first.
fn most_voted(shares: &[f64]) -> usize {
    let indices = 0..shares.len();
    indices
        .rev()
        .max_by(|&a, &b| shares[a].total_cmp(&shares[b]))
        .unwrap_or(0)
}
