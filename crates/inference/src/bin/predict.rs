//! Stage `predict`: predictions of the selected network for all images.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use anyhow::{Context, bail};
use images::Evaluation;
use model::{Config, Depth, Network};
use numeric::{argmax, softmax};
use serde::Deserialize;
use stage::{Input, InputPath, Output, Progress};
use table_annotations::Annotation;
use table_folds::Fold;
use table_predictions::Prediction;
use table_selection::Selection;
use trainer::{DecodedImages, FoldSplit, evaluate};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Class of the device: `cpu`, `metal` or `cuda`.
    device: String,
    /// Depth of the ResNet: 18, 34, 50, 101 or 152.
    resnet: Depth,
    /// `true` if the ResNet's classifier is kept, between features and embedder.
    classifier: bool,
    /// Dimensions of the embedding.
    embedding_size: NonZeroUsize,
    /// Side of the network's square input in its training, in pixels.
    side_px: u32,
    /// Views of an image; its outputs are the means over them.
    evaluation: Evaluation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    selection: Input<Selection>,
    model: InputPath,
    annotations: Input<Annotation>,
    folds: Input<Fold>,
    pixels: InputPath,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    predictions: Output<Prediction>,
}

// Every step allocates the same large blocks.
#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let selections = inputs.selection.read()?;
    let [selection] = selections.as_slice() else {
        bail!("`selection` has {} rows: expected 1", selections.len());
    };
    let annotations = inputs.annotations.read()?;
    let split = FoldSplit::new(&annotations, &inputs.folds.read()?, selection.fold)?;
    let source = DecodedImages::open(&inputs.pixels, &annotations, params.side_px)?
        .evaluated(params.evaluation)?;
    let network = network(&params, split.classes.len(), &inputs.model)?;

    let images: Vec<usize> = (0..split.len()).collect();
    let (n_classes, embedding_size) = (split.classes.len(), params.embedding_size.get());
    let mut results = trainer::Outputs::zeros(split.len(), n_classes, embedding_size);
    let progress = Progress::start("images", split.len());
    evaluate(&network, &source, &images, &mut results, |n| {
        progress.advance(n)
    })?;

    let row = |(image, annotation): (usize, &Annotation)| {
        let logits = results.logits(image);
        let probabilities = softmax(logits, 1.0).into_iter();
        let probabilities: Vec<f32> = probabilities.map(to_f32).collect();
        Prediction {
            path: annotation.path.clone(),
            label: annotation.label.clone(),
            subset: split.subsets[image],
            logits: logits.to_vec(),
            predicted: split.classes[argmax(&probabilities).expect("there are classes")].clone(),
            probabilities,
            embedding: results.embedding(image).to_vec(),
        }
    };
    outputs
        .predictions
        .write(annotations.iter().enumerate().map(row).collect())
}

fn network(params: &Params, n_classes: usize, model: &InputPath) -> anyhow::Result<Network> {
    let config = Config {
        depth: params.resnet,
        classifier: params.classifier,
        embedding_size: params.embedding_size.get(),
        n_classes,
    };
    let device = model::device(&params.device)?;
    Network::open(&config, &device, model).context("cannot load the selected model")
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "tables hold probabilities as f32"
)]
fn to_f32(probability: f64) -> f32 {
    probability as f32
}
