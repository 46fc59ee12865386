//! Predictions of the selected network, or of the ensemble of the folds' networks, for new images: `cargo xtask predict`
//! starts this program with a job file, as a stage is started, but nothing of it is recorded.
//!
//! Letters of shapes: `S` pixels along the network's input, `V` views of an image, `K` classes, `D` dimensions of the
//! embedding, `F` networks of the ensemble.

mod ensemble;
mod evaluator;
mod files;
mod neighbors;
mod network;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use candle_core::Device;
use export::ModelConfig;
use metrics::calibration::{Calibrators, NetworkCalibrators, Temperature};
use report::{Neighbor, NewImage};
use serde::{Deserialize, Serialize};
use stage::{Input, InputPath, OutputPath};
use table_clusters::Cluster;
use table_history::{EpochSelection, History};
use table_predictions::Prediction;

use ensemble::{Description, Ensemble};
use evaluator::{Evaluator, ImagePrediction};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Images, and folders of images.
    files: Vec<PathBuf>,
    /// Class of the device: `cpu`, `metal` or `cuda`.
    device: String,
    /// Attribution of the most probable class: occlusion map and Grad-CAM.
    explain: bool,
    /// Cells of the occlusion map along each side.
    cells: usize,
    /// Cells along each side of a blanked window.
    window: usize,
    /// Setting `train.selection`: the epoch whose network stage `train` saves.
    selection: Option<EpochSelection>,
    /// One JSON document in place of text.
    json: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    model: InputPath,
    /// Configuration of the model, by stage `export`.
    config: InputPath,
    /// Folder of the collection's images; a page shows the nearest ones, if it exists.
    images: PathBuf,
    /// Images of the collection, as neighbors.
    predictions: Input<Prediction>,
    /// Coordinates of the same in the UMAP embedding.
    clusters: Input<Cluster>,
    /// Calibrators of the probabilities; without them they are the softmax's.
    calibrators: Option<InputPath>,
    /// The saved network of each fold, for their ensemble; none for the selected network.
    models: Vec<InputPath>,
    /// The histories of their trainings, in the same order.
    histories: Vec<Input<History>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Page of the predictions, if requested.
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
struct Document<'a> {
    /// The ensemble that predicts; absent for the selected network.
    #[serde(skip_serializing_if = "Option::is_none")]
    ensemble: Option<&'a Description>,
    /// Sentences on the ensemble.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    images: Vec<ImagePrediction>,
    failures: Vec<Failure>,
    /// Files in the folders that are no images.
    skipped: Vec<Failure>,
}

/// An image that cannot be used.
#[derive(Serialize)]
struct Failure {
    file: String,
    reason: String,
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let evaluator = evaluator(&params, &inputs)?;
    let description = evaluator.ensemble.as_ref().map(|it| &it.description);
    let introduction = description.map(text::introduction);
    if let Some(lines) = introduction.as_ref().filter(|_| !params.json) {
        text::print(&format!("{lines}\n"));
    }
    let (mut images, mut shown) = (Vec::new(), Vec::new());
    let (mut failures, mut skipped) = (Vec::new(), Vec::new());
    for found in files::files(&params.files) {
        match found.and_then(|file| predict(&evaluator, &inputs.images, &file)) {
            Ok((image, new_image)) => {
                if !params.json {
                    text::print(&text::prediction_lines(&image));
                }
                images.push(image);
                shown.push(new_image);
            }
            Err(files::UnusableFile {
                file,
                reason,
                is_foreign: true,
            }) => {
                eprintln!("skipped: `{file}`: {reason}");
                skipped.push(Failure { file, reason });
            }
            Err(files::UnusableFile { file, reason, .. }) => {
                eprintln!("error: `{file}`: {reason}");
                failures.push(Failure { file, reason });
            }
        }
    }
    if let Some(page) = outputs.page {
        fs_err::write(
            &*page,
            report::predictions_page(
                &shown,
                &evaluator.clusters,
                evaluator.config.images.orient(),
                introduction.as_deref(),
            ),
        )?;
    }
    let (n_failed, n_all) = (failures.len(), failures.len() + images.len());
    if params.json {
        let document = Document {
            ensemble: description,
            note: introduction.as_deref(),
            images,
            failures,
            skipped,
        };
        text::print(&(serde_json::to_string_pretty(&document)? + "\n"));
    }
    match n_failed {
        0 if n_all == 0 => bail!("no image found"),
        0 => Ok(()),
        _ => bail!("{n_failed} of {n_all} could not be used"),
    }
}

fn evaluator(params: &Params, inputs: &Inputs) -> anyhow::Result<Evaluator> {
    let windows = attribution::OcclusionWindows::new(params.cells, params.window)?;
    let config: ModelConfig = serde_json::from_str(&fs_err::read_to_string(&*inputs.config)?)
        .context("cannot read the model's configuration")?;
    let calibrators = match &inputs.calibrators {
        Some(path) => calibrators(path, &config)?,
        None => NetworkCalibrators {
            temperature: Temperature::ONE,
            unseen_classes: Vec::new(),
        },
    };
    let device = model::device(&params.device)?;
    Ok(Evaluator {
        network: network::open(&config, &device, &inputs.model)?,
        ensemble: ensemble(params, inputs, &config, &device)?,
        config,
        calibrators,
        windows: params.explain.then_some(windows),
        predictions: inputs.predictions.read()?,
        clusters: inputs.clusters.read()?,
    })
}

/// The ensemble of the folds' networks, if there are any.
fn ensemble(
    params: &Params,
    inputs: &Inputs,
    config: &ModelConfig,
    device: &Device,
) -> anyhow::Result<Option<Ensemble>> {
    if inputs.models.is_empty() {
        return Ok(None);
    }
    let selection = params.selection.context("`train.selection` is missing")?;
    let histories = inputs.histories.iter().map(Input::read);
    let histories: Vec<Vec<History>> = histories.collect::<anyhow::Result<_>>()?;
    let opened = Ensemble::open(config, device, &inputs.models, &histories, selection)?;
    Ok(Some(opened))
}

fn calibrators(path: &Path, config: &ModelConfig) -> anyhow::Result<NetworkCalibrators> {
    let calibrators: Calibrators = serde_json::from_str(&fs_err::read_to_string(path)?)
        .context("cannot read the calibrators")?;
    ensure!(
        calibrators.labels == config.classes,
        "the calibrators are of other classes than the model: run `cargo xtask repro`"
    );
    Ok(calibrators.network)
}

fn predict(
    evaluator: &Evaluator,
    images: &Path,
    found: &files::ImageFile,
) -> Result<(ImagePrediction, NewImage), files::UnusableFile> {
    let file = &found.path;
    let predicted = fs_err::read(file)
        .map_err(anyhow::Error::from)
        .and_then(|bytes| Ok((evaluator.predict(file, &bytes)?, bytes)));
    let (image, bytes) = predicted.map_err(|error| found.unusable(&error))?;
    let classes = image.classes.iter();
    let neighbors = image.neighbors.iter();
    let new_image = NewImage {
        // A page may be shared: it has no folders of this machine.
        name: file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        bytes,
        guesses: classes
            .map(|class| (class.label.clone(), class.probability))
            .collect(),
        neighbors: neighbors
            .map(|neighbor| Neighbor {
                label: neighbor.label.clone(),
                path: neighbor.path.clone(),
                bytes: fs_err::read(images.join(&neighbor.path)).ok(),
            })
            .collect(),
        coordinates: image.coordinates,
        agreement: image.agreement(),
        attribution: image.attribution.clone(),
    };
    Ok((image, new_image))
}
