//! Stage `backbone-features`: features of all images from a frozen network of another architecture.

use std::process::ExitCode;

use backbones::{Backbone, Name};
use images::Evaluation;
use inference::{FrozenNetwork, extract_features};
use serde::Deserialize;
use stage::{Input, InputPath, Output, Progress};
use table_annotations::Annotation;
use table_features::Feature;
use trainer::DecodedImages;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Class of the device: `cpu`, `metal` or `cuda`.
    device: String,
    /// The network, by timm's name.
    backbone: Name,
    /// Side of the network's square input in a training, in pixels.
    side_px: u32,
    /// Views of an image in an evaluation, and their side.
    evaluation: Evaluation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    annotations: Input<Annotation>,
    pixels: InputPath,
    weights: InputPath,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    features: Output<Feature>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let evaluation = params.evaluation;
    let side_px = evaluation.side_px(params.side_px)?;
    let side_px = params.backbone.side_px(side_px)?;
    let views = Evaluation::new(evaluation.flip(), evaluation.crops(), 0)?;
    let annotations = inputs.annotations.read()?;
    let source = DecodedImages::open(&inputs.pixels, &annotations, side_px)?.evaluated(views)?;
    let device = model::device(&params.device)?;
    let backbone = Backbone::load(&params.backbone, &inputs.weights, &device)?;
    let frozen = FrozenNetwork {
        backbone: params.backbone.as_str(),
        pretrained: true,
        device: &device,
        features: &|images| Ok(backbone.features(images)?),
    };
    let progress = Progress::start("images", annotations.len());
    let rows = extract_features(&frozen, &source, &annotations, |n| progress.advance(n))?;
    outputs.features.write(rows)
}
