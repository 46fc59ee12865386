//! Stage `score`: metrics of every epoch and of the selected models.

mod rows;
mod scored_image;
mod summary;

use std::process::ExitCode;

use anyhow::Context;
use metrics::{Collection, class_report_rows, confusion_rows};
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output, OutputPath, Progress};
use table_class_reports::ClassReport;
use table_comparisons::Comparison;
use table_confusion::Confusion;
use table_epoch_outputs::EpochOutput;
use table_epoch_scores::EpochScore;
use table_folds::Fold;
use table_forest_predictions::ForestPrediction;
use table_predictions::Prediction;
use table_scores::Score;
use tables::Subset;

use scored_image::ScoredImage;

/// Parameters of the scores.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Replicates of the bootstrap, which resamples authors within classes; 0 for no intervals.
    bootstrap: u64,
    /// Points that a silhouette is computed of, at most, drawn by the seed: its time grows with their square.
    silhouette_sample: usize,
}

/// Tables of images, outputs and predictions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// Classes and authors of the images.
    folds: Input<Fold>,
    /// Outputs of every epoch, a table a fold.
    epoch_outputs: Vec<Input<EpochOutput>>,
    /// Predictions of the selected network.
    predictions: Input<Prediction>,
    /// Predictions of the forest for the same images.
    forest: Option<Input<ForestPrediction>>,
    /// Predictions of the forest of the parameter search.
    tuned: Option<Input<ForestPrediction>>,
}

/// Tables of scores, and a summary.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Metrics of the selected models.
    scores: Output<Score>,
    /// Metrics of every epoch.
    epoch_scores: Output<EpochScore>,
    /// Confusion matrices of the selected models.
    confusion: Output<Confusion>,
    /// Per-class reports of the selected models.
    class_reports: Output<ClassReport>,
    /// Paired differences of the selected models' metrics, on images that none was fitted to.
    comparisons: Output<Comparison>,
    /// The main metrics as text.
    summary: OutputPath,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let folds = inputs.folds.read()?;
    let images = folds
        .iter()
        .map(|row| (row.path.as_str(), row.label.as_str(), row.author.as_deref()));
    let collection = Collection::of(images);
    outputs
        .epoch_scores
        .write(score_epochs(&inputs.epoch_outputs, &collection, &params)?)?;

    let network = scored_image::by_network(inputs.predictions.read()?, &collection)?;
    let by_forest = |input: &Option<Input<ForestPrediction>>| match input {
        Some(forest) => scored_image::by_forest(forest.read()?, &network, &collection).map(Some),
        None => Ok(None),
    };
    let (forest, tuned) = (by_forest(&inputs.forest)?, by_forest(&inputs.tuned)?);
    let (mut scores, mut confusion, mut report) = (Vec::new(), Vec::new(), Vec::new());
    let models = [
        ("network", Some(network)),
        ("forest", forest),
        ("tuned forest", tuned),
    ];
    for (model, images) in models
        .iter()
        .filter_map(|(m, images)| Some((*m, images.as_ref()?)))
    {
        for (subset, images) in scored_image::subsets(images) {
            let counts = scored_image::counts(&images, &collection);
            scores.extend(rows::scores(model, subset, &images, &collection, &params)?);
            confusion.extend(confusion_rows(model, subset, &counts, &collection)?);
            report.extend(class_report_rows(model, subset, &counts, &collection)?);
        }
    }
    outputs
        .comparisons
        .write(compare(&models, &collection, &params)?)?;
    let summary = summary::text(&scores);
    for line in summary.lines() {
        tracing::info!("{line}");
    }
    fs_err::write(&*outputs.summary, summary)?;
    outputs.scores.write(scores)?;
    outputs.confusion.write(confusion)?;
    outputs.class_reports.write(report)
}

/// Differences of each two models on the subsets that neither was fitted to.
fn compare(
    models: &[(&str, Option<Vec<ScoredImage>>)],
    collection: &Collection,
    params: &Params,
) -> anyhow::Result<Vec<Comparison>> {
    let mut found = Vec::new();
    let models = models.iter();
    let models: Vec<_> = { models.filter_map(|(model, images)| Some((*model, images.as_ref()?))) }
        .map(|(model, images)| (model, scored_image::subsets(images)))
        .collect();
    for (i, (model, images)) in models.iter().enumerate() {
        for (other, other_images) in &models[i + 1..] {
            for subset in [Subset::Validation, Subset::Test] {
                let (Some(a), Some(b)) = (images.get(&subset), other_images.get(&subset)) else {
                    continue;
                };
                found.extend(rows::comparisons(
                    [model, other],
                    subset,
                    [a, b],
                    collection,
                    params,
                )?);
            }
        }
    }
    Ok(found)
}

/// Metrics of all epochs; one epoch is in memory at a time.
fn score_epochs(
    folds: &[Input<EpochOutput>],
    collection: &Collection,
    params: &Params,
) -> anyhow::Result<Vec<EpochScore>> {
    let progress = Progress::start("folds", folds.len());
    let mut scores = Vec::new();
    for fold in folds {
        for epoch in fold.batches()? {
            let epoch = epoch?;
            let Some((fold, number)) = epoch.first().map(|row| (row.fold, row.epoch)) else {
                continue;
            };
            progress.message(&format!("fold {fold}, epoch {number}"));
            scores.extend(
                rows::epoch(fold, number, epoch, collection, params)
                    .with_context(|| format!("cannot score epoch {number} of fold {fold}"))?,
            );
        }
        progress.advance(1);
    }
    Ok(scores)
}
