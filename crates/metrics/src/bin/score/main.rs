//! Stage `score`: the figures of every epoch and of the chosen models.

mod rows;
mod scored_image;
mod summary;

use std::process::ExitCode;

use anyhow::Context;
use metrics::Collection;
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output, OutputPath, Progress};
use table_class_reports::ClassReport;
use table_confusion::Confusion;
use table_epoch_outputs::EpochOutput;
use table_epoch_scores::EpochScore;
use table_folds::Fold;
use table_forest_predictions::ForestPrediction;
use table_predictions::Prediction;
use table_scores::Score;

/// How to score.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Replicates of the bootstrap, which resamples authors; 0 for no intervals.
    bootstrap: u64,
    /// Of more points than this, a silhouette takes as many, drawn by the seed: its cost grows with their square.
    silhouette_sample: usize,
}

/// What it reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// Classes and authors of the images.
    folds: Input<Fold>,
    /// Every epoch's outputs, a table a fold.
    epochs: Vec<Input<EpochOutput>>,
    /// The chosen network's word.
    predictions: Input<Prediction>,
    /// The forest's word on the same images.
    forest: Option<Input<ForestPrediction>>,
    /// That of the forest whose parameters were searched for.
    tuned: Option<Input<ForestPrediction>>,
}

/// What it writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Figures of the chosen models.
    scores: Output<Score>,
    /// Figures of every epoch.
    epoch_scores: Output<EpochScore>,
    /// Confusion matrices of the chosen models.
    confusion: Output<Confusion>,
    /// Per-class reports of the chosen models.
    report: Output<ClassReport>,
    /// The headline figures as a text.
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
        .write(score_epochs(&inputs.epochs, &collection, &params)?)?;

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
    for (model, seen) in models
        .iter()
        .filter_map(|(m, seen)| Some((*m, seen.as_ref()?)))
    {
        for (subset, images) in scored_image::subsets(seen) {
            let tally = scored_image::tally(&images, &collection);
            scores.extend(rows::scores(model, subset, &images, &collection, &params)?);
            confusion.extend(rows::confusion(model, subset, &tally, &collection)?);
            report.extend(rows::report(model, subset, &tally, &collection)?);
        }
    }
    let summary = summary::text(&scores);
    for line in summary.lines() {
        tracing::info!("{line}");
    }
    fs_err::write(&*outputs.summary, summary)?;
    outputs.scores.write(scores)?;
    outputs.confusion.write(confusion)?;
    outputs.report.write(report)
}

/// All figures of all epochs; one epoch is in memory at a time.
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
