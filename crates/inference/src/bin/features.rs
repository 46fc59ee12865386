//! Stage `features`: what the frozen ResNet, as training finds it, makes of every picture.

use std::process::ExitCode;

use inference::{Frozen, featurize};
use model::{Config, Depth, Freeze, Network};
use random::Seed;
use serde::Deserialize;
use stage::{Input, InputPath, Output, Progress};
use table_annotations::Annotation;
use table_features::Feature;
use trainer::{PixelPictures, load_pretrained, streams};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// Class of the device: `cpu`, `metal` or `cuda`.
    device: String,
    /// Depth of the ResNet: 18, 34, 50, 101 or 152.
    resnet: Depth,
    /// Side of the square that the network sees, in pixels.
    side_px: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    annotations: Input<Annotation>,
    pixels: InputPath,
    /// Weights of ImageNet; without them, those that a training starts from.
    weights: Option<InputPath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    features: Output<Feature>,
}

// Every step needs the same large blocks again.
#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let annotations = inputs.annotations.read()?;
    let pictures = PixelPictures::open(&inputs.pixels, &annotations, params.side_px)?;
    let network = network(&params, inputs.weights.as_ref())?;
    let frozen = Frozen {
        backbone: &format!("resnet{}", params.resnet.layers()),
        pretrained: inputs.weights.is_some(),
        device: network.device(),
        features: &|images| Ok(network.features(images)?),
    };
    let progress = Progress::start("pictures", annotations.len());
    let rows = featurize(&frozen, &pictures, &annotations, |n| progress.advance(n))?;
    outputs.features.write(rows)
}

fn network(params: &Params, weights: Option<&InputPath>) -> anyhow::Result<Network> {
    // Features leave the network before the layers that have these sizes.
    let config = Config {
        depth: params.resnet,
        embedding_size: 1,
        n_classes: 1,
    };
    let device = model::device(&params.device)?;
    let mut rng = params.seed.stream(streams::WEIGHTS).rng();
    let mut network = Network::new(&config, &device, &mut rng)?;
    if let Some(weights) = weights {
        load_pretrained(&mut network, weights, Freeze::default())?;
    }
    Ok(network)
}
