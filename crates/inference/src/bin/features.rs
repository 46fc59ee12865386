//! Stage `features`: features of all images from the frozen ResNet with its initial weights.

use std::path::Path;
use std::process::ExitCode;

use images::Evaluation;
use inference::{FrozenNetwork, extract_features};
use model::{Config, Depth, Freeze, Network};
use random::Seed;
use serde::Deserialize;
use stage::{Input, InputPath, Output, Progress};
use table_annotations::Annotation;
use table_features::Feature;
use trainer::{DecodedImages, load_pretrained, streams};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The root of all randomness.
    seed: Seed,
    /// Class of the device: `cpu`, `metal` or `cuda`.
    device: String,
    /// Depth of the ResNet: 18, 34, 50, 101 or 152.
    resnet: Depth,
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
    /// Pretrained weights; without them, the random ones of a training's start.
    weights: Option<InputPath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    features: Output<Feature>,
}

// Every step allocates the same large blocks.
#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let annotations = inputs.annotations.read()?;
    let source = DecodedImages::open(&inputs.pixels, &annotations, params.side_px)?
        .evaluated(params.evaluation)?;
    let network = network(&params, inputs.weights.as_deref())?;
    let frozen = FrozenNetwork {
        backbone: &format!("resnet{}", params.resnet.layers()),
        pretrained: inputs.weights.is_some(),
        device: network.device(),
        features: &|images| Ok(network.features(images)?),
    };
    let progress = Progress::start("images", annotations.len());
    let rows = extract_features(&frozen, &source, &annotations, |n| progress.advance(n))?;
    outputs.features.write(rows)
}

fn network(params: &Params, weights: Option<&Path>) -> anyhow::Result<Network> {
    // Features come from a layer before those with these sizes.
    let config = Config {
        depth: params.resnet,
        classifier: false,
        embedding_size: 1,
        n_classes: 1,
    };
    let device = model::device(&params.device)?;
    let mut rng = params.seed.stream(streams::WEIGHTS).rng();
    let mut network = Network::new(&config, &device, &mut rng)?;
    load_pretrained(&mut network, weights, Freeze::default())?;
    Ok(network.into_constant()?)
}
