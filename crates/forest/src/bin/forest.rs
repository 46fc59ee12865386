//! Stage `forest`: a balanced random forest on the selected network's embeddings.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use forest::{Criterion, Forest, Shape, streams};
use numeric::{Classes, Matrix, argmax};
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output, Progress};
use table_forest_predictions::ForestPrediction;
use table_forest_trials::ForestTrial;
use table_predictions::Prediction;
use tables::Subset;

/// Shape of the forest, see [`Shape`], and the seed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    n_trees: usize,
    max_depth: u16,
    min_samples_leaf: usize,
    min_samples_split: usize,
    max_features: usize,
    criterion: Criterion,
    bootstrap: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    predictions: Input<Prediction>,
    /// Trials of a search; the best one's shape replaces that of the parameters.
    forest_trials: Option<Input<ForestTrial>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    forest_predictions: Output<ForestPrediction>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let predictions = inputs.predictions.read()?;
    let shape = match &inputs.forest_trials {
        Some(trials) => best(&trials.read()?)?,
        None => params.shape(),
    };
    let classes = classes(&predictions)?;
    let forest = fit(&predictions, &classes, shape, params.seed)?;
    let probabilities = forest.probabilities(&features(&predictions)?)?;
    let rows = predictions.into_iter().zip(probabilities);
    outputs.forest_predictions.write(
        rows.map(|(prediction, probabilities)| row(prediction, &probabilities, &classes))
            .collect(),
    )
}

impl Params {
    fn shape(&self) -> Shape {
        Shape {
            n_trees: self.n_trees,
            max_depth: self.max_depth,
            min_samples_leaf: self.min_samples_leaf,
            min_samples_split: self.min_samples_split,
            max_features: self.max_features,
            criterion: self.criterion,
            bootstrap: self.bootstrap,
        }
    }
}

/// Shape of the best trial.
fn best(trials: &[ForestTrial]) -> anyhow::Result<Shape> {
    let best = trials.iter().find(|trial| trial.best);
    let best = best.context("no trial of the search is the best")?;
    Ok(Shape {
        n_trees: best.n_trees as usize,
        max_depth: u16::try_from(best.max_depth).context("`max_depth` is out of range")?,
        min_samples_leaf: best.min_samples_leaf as usize,
        min_samples_split: best.min_samples_split as usize,
        max_features: best.max_features as usize,
        criterion: Criterion::named(&best.criterion)
            .with_context(|| format!("there is no criterion `{}`", best.criterion))?,
        bootstrap: best.bootstrap,
    })
}

/// Classes of the images, which are those of the network.
fn classes(predictions: &[Prediction]) -> anyhow::Result<Classes> {
    let classes = Classes::of(predictions.iter().map(|row| row.label.as_str()));
    let names = classes.names();
    for prediction in predictions {
        ensure!(
            prediction.logits.len() == names.len(),
            "the network has {} classes, but the images have {}: `{}`",
            prediction.logits.len(),
            names.len(),
            names.join("`, `")
        );
    }
    Ok(classes)
}

fn features<'a>(predictions: impl IntoIterator<Item = &'a Prediction>) -> anyhow::Result<Matrix> {
    let rows: Vec<&[f32]> = predictions
        .into_iter()
        .map(|prediction| prediction.embedding.as_slice())
        .collect();
    Matrix::from_rows(&rows).context("cannot use the embeddings")
}

fn fit(
    predictions: &[Prediction],
    classes: &Classes,
    shape: Shape,
    seed: Seed,
) -> anyhow::Result<Forest> {
    let train = predictions.iter().filter(|row| row.subset == Subset::Train);
    let train: Vec<&Prediction> = train.collect();
    let labels = classes.encode(train.iter().map(|row| row.label.as_str()))?;
    let progress = Progress::start("trees", shape.n_trees);
    Forest::fit(
        &features(train)?,
        &labels,
        classes.len(),
        &shape.into(),
        seed.stream(streams::FOREST).number(),
        || progress.advance(1),
    )
    .context("cannot fit a forest to the images of the subset `train`")
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the table holds probabilities in single precision"
)]
fn row(prediction: Prediction, probabilities: &[f64], classes: &Classes) -> ForestPrediction {
    ForestPrediction {
        path: prediction.path,
        label: prediction.label,
        subset: prediction.subset,
        probabilities: probabilities
            .iter()
            .map(|&probability| probability as f32)
            .collect(),
        predicted: classes.names()[argmax(probabilities).expect("there are classes")].clone(),
    }
}
