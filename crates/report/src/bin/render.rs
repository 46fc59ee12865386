//! Stage `render`: the report page, its figures as files, and a summary.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use random::Seed;
use report::{Options, Study, render};
use serde::Deserialize;
use stage::{Input, InputPath, OutputPath};
use tables::Table as _;
use tables::annotation::Annotation;
use tables::arrangement::Arrangement;
use tables::arrangement_score::ArrangementScore;
use tables::balance::Balance;
use tables::calibration::Calibration;
use tables::choice::Choice;
use tables::class_report::ClassReport;
use tables::cluster::Cluster;
use tables::confusion::Confusion;
use tables::epoch_place::EpochPlace;
use tables::epoch_score::EpochScore;
use tables::explanation::Explanation;
use tables::flattery::Flattery;
use tables::forest_trial::ForestTrial;
use tables::history::History;
use tables::leak::Leak;
use tables::map_quality::MapQuality;
use tables::near_duplicate::NearDuplicate;
use tables::prediction::Prediction;
use tables::probe::Probe;
use tables::problem::Problem;
use tables::reliability::Reliability;
use tables::score::Score;
use tables::silhouette::Silhouette;

/// How to show the study.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Examples of each class in each of the grids, at most.
    examples_per_class: usize,
    /// Examples in each of the grids, at most, over all classes.
    max_examples: usize,
    /// Dots in a drawing, at most: of more images a sample is drawn.
    max_points: usize,
    /// Rows of the table of images, at most, unless the page links to more.
    max_rows: usize,
    /// The long side of an example, in pixels, from 16 to 512.
    thumbnail_px: u32,
}

/// What it reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The folder of the pictures.
    images: InputPath,
    /// The pictures.
    annotations: Input<Annotation>,
    /// Files left out.
    problems: Input<Problem>,
    /// Authors and images by class and fold.
    balance: Input<Balance>,
    /// Authors and near-duplicates that three splits don't keep together.
    leaks: Input<Leak>,
    /// Pictures that look alike.
    near_duplicates: Input<NearDuplicate>,
    /// The recipe's scores under those splits.
    flattery: Input<Flattery>,
    /// The course of the trainings, a table a fold.
    histories: Vec<Input<History>>,
    /// The chosen model.
    choice: Input<Choice>,
    /// The chosen network's word on every picture.
    predictions: Input<Prediction>,
    /// What the chosen network looks at in some pictures.
    explanations: Input<Explanation>,
    /// Figures of the chosen models.
    scores: Input<Score>,
    /// Figures of every epoch.
    epoch_scores: Input<EpochScore>,
    /// Confusion matrices of the chosen models.
    confusion: Input<Confusion>,
    /// Per-class reports of the chosen models.
    class_reports: Input<ClassReport>,
    /// How far the models' probabilities can be believed.
    calibration: Input<Calibration>,
    /// Their confidence against their accuracy.
    reliability: Input<Reliability>,
    /// Clusters and the map.
    clusters: Input<Cluster>,
    /// How well each number of clusters fits.
    silhouettes: Input<Silhouette>,
    /// The search for the forest's parameters.
    forest_trials: Input<ForestTrial>,
    /// How well classes are read from the features of frozen networks.
    probes: Input<Probe>,
    /// Where each picture stood in every epoch of the metric learning.
    arrangement: Input<Arrangement>,
    /// How well classes stood apart there.
    arrangement_scores: Input<ArrangementScore>,
    /// The chosen fold's pictures on one map, by epoch.
    evolution: Input<EpochPlace>,
    /// How far these places can be trusted.
    evolution_quality: Input<MapQuality>,
}

/// What it writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// The page.
    page: OutputPath,
    /// A folder of the figures.
    figures: OutputPath,
    /// A few lines for the end of a run.
    summary: OutputPath,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    ensure!(
        (16..=512).contains(&params.thumbnail_px),
        "`thumbnail_px` is {}, expected 16 to 512",
        params.thumbnail_px
    );
    let options = Options {
        examples_per_class: params.examples_per_class,
        max_examples: params.max_examples,
        max_points: params.max_points,
        max_rows: params.max_rows,
        thumbnail_px: params.thumbnail_px,
        stream: params.seed.stream(report::streams::RENDER_EXAMPLES),
    };
    let study = read(&inputs)?;
    let report = render(&study, &options, |path| {
        fs_err::read(inputs.images.join(path))
    })?;
    fs_err::create_dir(&*outputs.figures)?;
    for figure in &report.figures {
        fs_err::write(outputs.figures.join(&figure.name), &figure.svg)?;
    }
    tracing::info!(
        "a page of {} bytes with {} figures",
        report.page.len(),
        report.figures.len()
    );
    fs_err::write(&*outputs.page, report.page)?;
    fs_err::write(&*outputs.summary, report.summary)?;
    Ok(())
}

fn read(inputs: &Inputs) -> anyhow::Result<Study> {
    let mut histories = Vec::new();
    for history in &inputs.histories {
        histories.extend(history.read()?);
    }
    histories.sort_by(History::order);
    let choice = inputs.choice.read()?.into_iter().next();
    Ok(Study {
        annotations: inputs.annotations.read()?,
        problems: inputs.problems.read()?,
        balance: inputs.balance.read()?,
        leaks: inputs.leaks.read()?,
        near_duplicates: inputs.near_duplicates.read()?,
        flattery: inputs.flattery.read()?,
        histories,
        choice: choice.context("the table of the choice has no row: no model was chosen")?,
        predictions: inputs.predictions.read()?,
        explanations: inputs.explanations.read()?,
        scores: inputs.scores.read()?,
        epoch_scores: inputs.epoch_scores.read()?,
        confusion: inputs.confusion.read()?,
        class_reports: inputs.class_reports.read()?,
        calibrations: inputs.calibration.read()?,
        reliabilities: inputs.reliability.read()?,
        clusters: inputs.clusters.read()?,
        silhouettes: inputs.silhouettes.read()?,
        forest_trials: inputs.forest_trials.read()?,
        probes: inputs.probes.read()?,
        arrangement: last_epoch(&inputs.arrangement)?,
        arrangement_scores: inputs.arrangement_scores.read()?,
        epoch_places: inputs.evolution.read()?,
        map_qualities: inputs.evolution_quality.read()?,
    })
}

fn last_epoch(arrangement: &Input<Arrangement>) -> anyhow::Result<Vec<Arrangement>> {
    let mut last = Vec::new();
    for epoch in arrangement.batches()? {
        last = epoch?;
    }
    Ok(last)
}
