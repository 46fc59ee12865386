//! Stage `report`: the report page, its figures and tables as files, and a summary.

use std::path::Path;
use std::process::ExitCode;

use anyhow::ensure;
use images::Pixels;
use random::Seed;
use report::{Inputs, Options, Recipe, Report, RunFacts, Weights, count_parameters, render};
use serde::Deserialize;
use serde_json::{Map, Value};
use stage::OutputPath;

/// Settings of the report.
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
    /// Settings of the other stages, for section "Recipe": this and all that follow.
    decode: Table,
    annotate: Table,
    #[serde(rename = "near-duplicates")]
    near_duplicates: Table,
    split: Table,
    leakage: Table,
    resnet: Value,
    classifier: Value,
    embedding_size: Value,
    freeze_cnn: Value,
    freeze_fc: Value,
    freeze_batch_norm: Value,
    train: Table,
    evaluation: Table,
    #[serde(rename = "metric-learning")]
    metric_learning: Table,
    #[serde(rename = "metric-learning-scores")]
    metric_learning_scores: Table,
    select: Table,
    attribution: Table,
    forest: Table,
    #[serde(rename = "forest-search")]
    forest_search: Table,
    /// Of `[backbone-features]`, what isn't a path.
    backbones: Value,
    #[serde(rename = "linear-probe")]
    linear_probe: Table,
    score: Table,
    calibrate: Table,
    cluster: Table,
    #[serde(rename = "embedding-evolution")]
    embedding_evolution: Table,
}

/// A table of `params.toml`.
type Table = Map<String, Value>;

/// Outputs of the stage.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// The page.
    page: OutputPath,
    /// A folder of the figures.
    figures: OutputPath,
    /// A folder of the tables as CSV.
    tables: OutputPath,
    /// Facts of the run, on which the page doesn't depend.
    run: OutputPath,
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
    let weights = inputs.weights.as_deref();
    let options = Options {
        examples_per_class: params.examples_per_class,
        max_examples: params.max_examples,
        max_points: params.max_points,
        max_rows: params.max_rows,
        thumbnail_px: params.thumbnail_px,
        stream: params.seed.stream(report::streams::REPORT_EXAMPLES),
        recipe: Recipe {
            weights: weights.map(Weights::of).transpose()?,
            parameters: count_parameters(&inputs.model)?,
            settings: settings(params)?,
        },
    };
    let pixels = Pixels::open(&inputs.pixels)?;
    let report = render(&inputs.tables, &options, Some(&pixels), |path| {
        fs_err::read(inputs.images.join(path))
    })?;
    write_files(&report, &outputs)?;
    fs_err::write(&*outputs.run, RunFacts::find(&inputs.timings)?.script())?;
    tracing::info!(
        "a page of {} bytes with {} figures and {} tables",
        report.page.len(),
        report.figures.len(),
        report.tables.len()
    );
    fs_err::write(&*outputs.page, report.page)?;
    fs_err::write(&*outputs.summary, report.summary)?;
    Ok(())
}

/// Settings of the stages in their order, with the seed first.
fn settings(params: Params) -> anyhow::Result<Vec<(String, Value)>> {
    // One by one: the path of the weights is no part of the recipe, their content is.
    let model = [
        ("resnet", params.resnet),
        ("classifier", params.classifier),
        ("embedding_size", params.embedding_size),
        ("freeze_cnn", params.freeze_cnn),
        ("freeze_fc", params.freeze_fc),
        ("freeze_batch_norm", params.freeze_batch_norm),
    ];
    let model: Table = { model.into_iter() }
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let backbones = Table::from_iter([("backbones".to_owned(), params.backbones)]);
    let tables = [
        ("decode", params.decode),
        ("annotate", params.annotate),
        ("near-duplicates", params.near_duplicates),
        ("split", params.split),
        ("leakage", params.leakage),
        ("model", model),
        ("train", params.train),
        ("evaluation", params.evaluation),
        ("metric-learning", params.metric_learning),
        ("metric-learning-scores", params.metric_learning_scores),
        ("select", params.select),
        ("attribution", params.attribution),
        ("forest", params.forest),
        ("forest-search", params.forest_search),
        ("backbone-features", backbones),
        ("linear-probe", params.linear_probe),
        ("score", params.score),
        ("calibrate", params.calibrate),
        ("cluster", params.cluster),
        ("embedding-evolution", params.embedding_evolution),
    ];
    let seed = ("seed".to_owned(), serde_json::to_value(params.seed)?);
    let tables = tables.map(|(name, table)| (name.to_owned(), Value::Object(table)));
    Ok(std::iter::once(seed).chain(tables).collect())
}

/// Writes the figures and tables of `report`.
fn write_files(report: &Report, outputs: &Outputs) -> anyhow::Result<()> {
    let figures = report.figures.iter();
    let figures = figures.map(|figure| (&*outputs.figures, &figure.name, &figure.svg));
    let tables = report.tables.iter();
    let tables = tables.map(|table| (&*outputs.tables, &table.name, &table.csv));
    fs_err::create_dir(&*outputs.figures)?;
    fs_err::create_dir(&*outputs.tables)?;
    for (folder, name, content) in figures.chain(tables) {
        let folder: &Path = folder;
        fs_err::write(folder.join(name), content)?;
    }
    Ok(())
}
