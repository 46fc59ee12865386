//! Stage `export`: the selected model for other tools.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use export::{Calibration, EXAMPLE, ImageRules, ModelConfig, Weights, onnx_model};
use images::{Evaluation, Geometry};
use numeric::Classes;
use prost::Message as _;
use serde::Deserialize;
use stage::{Input, InputPath, OutputPath};
use table_annotations::Annotation;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Side of the network's input in its training, in pixels.
    side_px: u32,
    /// Views of an image in an evaluation, and the side of the network's input there, which is that of the export.
    evaluation: Evaluation,
    /// Width times height of the largest image that is read.
    max_pixels: u64,
    /// The long side over the short one of the most elongated image that is read.
    max_aspect: u32,
    /// Use of the orientation in an image's metadata.
    exif_orientation: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    model: InputPath,
    annotations: Input<Annotation>,
    /// Calibrators of the probabilities, by stage `calibrate`; without them the temperature is 1.
    calibrators: Option<InputPath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// The weights, unchanged.
    model: OutputPath,
    /// Configuration of the model: classes, preprocessing and temperature.
    config: OutputPath,
    /// The network in eval mode.
    onnx: OutputPath,
    /// A program that predicts images by the configuration and the ONNX file.
    example: OutputPath,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let bytes = fs_err::read(&*inputs.model)?;
    let weights = Weights::parse(&bytes).context("cannot read the selected model")?;
    let annotations = inputs.annotations.read()?;
    let classes = Classes::of(annotations.iter().map(|row| row.label.as_str()));
    let images = ImageRules {
        max_pixels: params.max_pixels,
        max_aspect: params.max_aspect,
        exif_orientation: params.exif_orientation,
    };
    let mut config = ModelConfig::new(
        &weights,
        classes.names().to_vec(),
        Geometry::new(params.evaluation.side_px(params.side_px)?)?,
        images,
    )?
    .with_views(params.evaluation);
    if let Some(path) = &inputs.calibrators {
        config.temperature = temperature(path, &config)?;
    }
    let model =
        onnx_model(&weights, &config).context("cannot convert the selected model to ONNX")?;
    fs_err::write(&*outputs.onnx, model.encode_to_vec())?;
    fs_err::write(
        &*outputs.config,
        serde_json::to_string_pretty(&config)? + "\n",
    )?;
    fs_err::write(&*outputs.model, &bytes)?;
    fs_err::write(&*outputs.example, EXAMPLE)?;
    Ok(())
}

/// Temperature of the network, whose classes must be those of the calibrators.
fn temperature(path: &Path, config: &ModelConfig) -> anyhow::Result<f64> {
    let calibration: Calibration = serde_json::from_str(&fs_err::read_to_string(path)?)
        .with_context(|| format!("cannot read the calibrators in `{}`", path.display()))?;
    ensure!(
        calibration.labels == config.classes,
        "the calibrators are of the classes {:?}, the model of {:?}: run stage `calibrate` again",
        calibration.labels,
        config.classes
    );
    Ok(calibration.network.temperature)
}
