//! Stage `report`: the report page, its figures as files, and a summary.

use std::process::ExitCode;

use anyhow::ensure;
use random::Seed;
use report::{Inputs, Options, render};
use serde::Deserialize;
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
}

/// Outputs of the stage.
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
        stream: params.seed.stream(report::streams::REPORT_EXAMPLES),
    };
    let report = render(&inputs.tables, &options, |path| {
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
