//! What the chosen network says of new images: `cargo xtask predict` starts this program with a job file, as a stage is
//! started, but nothing of it is recorded.
//!
//! Letters of shapes: `S` pixels along the network's input, `K` classes, `D` dimensions of the embedding.

mod evaluator;
mod files;
mod neighbors;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use export::ModelConfig;
use metrics::calibration::{Calibrators, Temperature};
use report::{Neighbor, NewImage};
use serde::{Deserialize, Serialize};
use stage::{Input, InputPath, OutputPath};
use table_clusters::Cluster;
use table_predictions::Prediction;

use evaluator::{Judge, Judged};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Images, and folders of images.
    files: Vec<PathBuf>,
    /// Class of the device: `cpu`, `metal` or `cuda`.
    device: String,
    /// Whether to say what the network looks at.
    explain: bool,
    /// Cells of the occlusion map along each side.
    cells: usize,
    /// Cells along each side of a blanked window.
    window: usize,
    /// One JSON document in place of text.
    json: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    model: InputPath,
    /// Of the model, by stage `export`.
    config: InputPath,
    /// The folder of the collection's images; a page shows the nearest ones, if it is there.
    images: PathBuf,
    /// The collection's images, as neighbors.
    predictions: Input<Prediction>,
    /// Their places on the map.
    clusters: Input<Cluster>,
    /// What makes probabilities mean what they say; without it they are the softmax's.
    calibrators: Option<InputPath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// A page of the same, if wanted.
    page: Option<OutputPath>,
}

// Every image needs the same large blocks again.
#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

fn main() -> ExitCode {
    stage::main(run)
}

/// The JSON document.
#[derive(Serialize)]
struct Answer {
    images: Vec<Judged>,
    failures: Vec<Failure>,
    /// Files in the folders that are no images.
    skipped: Vec<Failure>,
}

/// An image that the network couldn't see.
#[derive(Serialize)]
struct Failure {
    file: String,
    reason: String,
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let judge = judge(&params, &inputs)?;
    let (mut images, mut shown) = (Vec::new(), Vec::new());
    let (mut failures, mut skipped) = (Vec::new(), Vec::new());
    for found in files::files(&params.files) {
        match found.and_then(|file| see(&judge, &inputs.images, &file)) {
            Ok((image, inspected)) => {
                if !params.json {
                    text::print(&text::of(&image));
                }
                images.push(image);
                shown.push(inspected);
            }
            Err(files::Unusable {
                file,
                reason,
                is_foreign: true,
            }) => {
                eprintln!("skipped: `{file}`: {reason}");
                skipped.push(Failure { file, reason });
            }
            Err(files::Unusable { file, reason, .. }) => {
                eprintln!("error: `{file}`: {reason}");
                failures.push(Failure { file, reason });
            }
        }
    }
    if let Some(page) = outputs.page {
        fs_err::write(
            &*page,
            report::predictions_page(&shown, &judge.clusters, judge.config.images.orient()),
        )?;
    }
    let (n_failed, n_all) = (failures.len(), failures.len() + images.len());
    if params.json {
        let answer = Answer {
            images,
            failures,
            skipped,
        };
        text::print(&(serde_json::to_string_pretty(&answer)? + "\n"));
    }
    match n_failed {
        0 if n_all == 0 => bail!("no image found"),
        0 => Ok(()),
        _ => bail!("{n_failed} of {n_all} could not be used"),
    }
}

fn judge(params: &Params, inputs: &Inputs) -> anyhow::Result<Judge> {
    let squares = attribution::OcclusionWindows::new(params.cells, params.window)?;
    let config: ModelConfig = serde_json::from_str(&fs_err::read_to_string(&*inputs.config)?)
        .context("cannot read the model's configuration")?;
    let temperature = match &inputs.calibrators {
        Some(path) => temperature(path, &config)?,
        None => Temperature::ONE,
    };
    Ok(Judge {
        network: evaluator::network(&config, &params.device, &inputs.model)?,
        config,
        temperature,
        squares: params.explain.then_some(squares),
        predictions: inputs.predictions.read()?,
        clusters: inputs.clusters.read()?,
    })
}

fn temperature(path: &Path, config: &ModelConfig) -> anyhow::Result<Temperature> {
    let calibrators: Calibrators = serde_json::from_str(&fs_err::read_to_string(path)?)
        .context("cannot read the calibrators")?;
    ensure!(
        calibrators.labels == config.classes,
        "the calibrators are of other classes than the model: run `cargo xtask repro`"
    );
    Ok(calibrators.network.temperature)
}

fn see(
    judge: &Judge,
    images: &Path,
    found: &files::Found,
) -> Result<(Judged, NewImage), files::Unusable> {
    let file = &found.path;
    let seen = fs_err::read(file)
        .map_err(anyhow::Error::from)
        .and_then(|bytes| Ok((judge.judge(file, &bytes)?, bytes)));
    let (image, bytes) = seen.map_err(|error| found.refused(&error))?;
    let guesses = image.guesses.iter();
    let neighbors = image.neighbors.iter();
    let inspected = NewImage {
        // A page may be given away: it says nothing of this machine's folders.
        name: file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        bytes,
        guesses: guesses
            .map(|guess| (guess.label.clone(), guess.probability))
            .collect(),
        neighbors: neighbors
            .map(|neighbor| Neighbor {
                label: neighbor.label.clone(),
                path: neighbor.path.clone(),
                bytes: fs_err::read(images.join(&neighbor.path)).ok(),
            })
            .collect(),
        coordinates: image.place,
        attribution: image.explanation.clone(),
    };
    Ok((image, inspected))
}
