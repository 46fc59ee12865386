//! Stage `train`: the network, trained on all folds but one.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use images::Augmentation;
use model::{Config, Depth, Freeze, Network};
use numeric::inverse_counts;
use random::Seed;
use serde::{Deserialize, Serialize};
use stage::{Input, InputPath, Output, OutputPath};
use table_annotations::Annotation;
use table_epoch_outputs::EpochOutput;
use table_folds::Fold;
use table_history::History;
use table_timings::Timing;
use tracing::info;
use trainer::{
    BelowOne, Checkpoints, CrossEntropy, ExponentialDecay, Identity, LrFactors, NotNegative,
    PixelPictures, Positive, Sampling, Settings, Split, Teller, streams, train,
};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The root of all randomness.
    seed: Seed,
    /// Class of the device: `cpu`, `metal` or `cuda`.
    device: String,
    /// The fold left out, which validates; the others are trained on.
    fold: u32,
    /// Depth of the ResNet: 18, 34, 50, 101 or 152.
    resnet: Depth,
    /// Dimensions of the embedding.
    embedding_size: NonZeroUsize,
    /// Whether the ResNet's layers before its classifier stay as they are.
    freeze_cnn: bool,
    /// Whether the ResNet's classifier stays as it is.
    freeze_fc: bool,
    /// Side of the square that the network sees, in pixels.
    side_px: u32,
    /// Passes of as many looks as there are training pictures.
    epochs: NonZeroUsize,
    /// Which pictures a pass looks at: `shuffle` or `balanced`.
    sampling: Sampling,
    /// Pictures a step.
    batch_size: NonZeroUsize,
    /// Learning rate of the first epoch.
    lr: Positive,
    /// What the learning rate is multiplied by over `lr_decay_epochs`, epoch by epoch with the same factor.
    lr_decay: Positive,
    /// Epochs over which the learning rate falls by `lr_decay`.
    lr_decay_epochs: Positive,
    /// The ResNet's learning rate is `lr` times this.
    backbone_lr_factor: Positive,
    /// L2 penalty of Adam.
    weight_decay: NotNegative,
    /// Share of the target that is spread over all classes.
    label_smoothing: BelowOne,
    /// How much less easy pictures count in the loss; 0 for cross-entropy.
    focal_gamma: NotNegative,
    /// Whether every class counts the same in the loss.
    class_weights: bool,
    /// The best epoch has the highest class-weighted top-k accuracy on the fold, with this k.
    selection_k: NonZeroUsize,
    /// How training pictures are varied.
    augmentation: Augmentation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    annotations: Input<Annotation>,
    folds: Input<Fold>,
    pixels: InputPath,
    weights: Option<InputPath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    model: OutputPath,
    history: Output<History>,
    timings: Output<Timing>,
    epoch_outputs: Output<EpochOutput>,
}

// Every step needs the same large blocks again.
#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let annotations = inputs.annotations.read()?;
    let split = Split::new(&annotations, &inputs.folds.read()?, params.fold)?;
    let pictures = PixelPictures::open(&inputs.pixels, &annotations, params.side_px)?
        .augmented(params.augmentation, params.seed);
    let mut network = network(&params, split.classes.len(), inputs.weights.as_ref())?;
    let identity = Identity {
        params: &params,
        split: &split,
    };
    let mut checkpoints = Checkpoints::open(&stage::scratch()?.join("checkpoint"), &identity)?;

    let started = Instant::now();
    let clock = move || started.elapsed().as_secs_f64();
    let course = train(
        &mut network,
        &pictures,
        &split,
        &settings(&params),
        &loss(&params, &split)?,
        &mut checkpoints,
        &mut Teller::new(params.epochs.get(), clock),
    )?;

    let best = course.best().context("no epoch was trained")?;
    info!(
        "fold {}: best score {:.4} in epoch {}",
        params.fold, best.score, best.epoch
    );
    fs_err::copy(checkpoints.model_path(best), &*outputs.model)?;
    write_epochs(
        outputs.epoch_outputs,
        &annotations,
        &split,
        &course.history,
        &checkpoints,
    )?;
    outputs.history.write(course.history)?;
    outputs.timings.write(course.timings)
}

fn network(
    params: &Params,
    n_classes: usize,
    weights: Option<&InputPath>,
) -> anyhow::Result<Network> {
    let config = Config {
        depth: params.resnet,
        embedding_size: params.embedding_size.get(),
        n_classes,
    };
    let device = model::device(&params.device)?;
    let mut network = Network::new(
        &config,
        &device,
        &mut params.seed.stream(streams::WEIGHTS).rng(),
    )?;
    let freeze = Freeze {
        cnn: params.freeze_cnn,
        fc: params.freeze_fc,
    };
    if let Some(weights) = weights {
        trainer::load_pretrained(&mut network, weights, freeze)?;
    }
    network.freeze(freeze);
    Ok(network)
}

fn loss(params: &Params, split: &Split) -> anyhow::Result<CrossEntropy> {
    let counts = split.train_counts()?;
    let class_weights = if params.class_weights {
        inverse_counts(&counts)
    } else {
        vec![1.0; counts.len()]
    };
    let cross_entropy = CrossEntropy::new(class_weights, params.label_smoothing.get());
    Ok(cross_entropy.focused(params.focal_gamma.get()))
}

fn settings(params: &Params) -> Settings {
    Settings {
        epochs: params.epochs.get(),
        sampling: params.sampling,
        batch_size: params.batch_size.get(),
        learning_rate: ExponentialDecay::new(
            params.lr.get(),
            params.lr_decay.get(),
            params.lr_decay_epochs.get(),
        ),
        lr_factors: LrFactors {
            backbone: params.backbone_lr_factor.get(),
            head: 1.0,
        },
        weight_decay: params.weight_decay.get(),
        selection_k: params.selection_k.get(),
        seed: params.seed,
    }
}

/// Writes what the network said in each epoch, one epoch in memory at a time.
fn write_epochs(
    table: Output<EpochOutput>,
    annotations: &[Annotation],
    split: &Split,
    history: &[History],
    checkpoints: &Checkpoints,
) -> anyhow::Result<()> {
    let mut writer = table.writer();
    for epoch in history {
        let outputs = trainer::Outputs::load(&checkpoints.outputs_path(epoch.epoch as usize))?;
        let row = |(image, annotation): (usize, &Annotation)| EpochOutput {
            fold: epoch.fold,
            epoch: epoch.epoch,
            path: annotation.path.clone(),
            class_index: annotation.class_index,
            subset: split.subsets[image],
            logits: outputs.logits(image).to_vec(),
            embedding: outputs.embedding(image).to_vec(),
        };
        writer.append(annotations.iter().enumerate().map(row).collect())?;
    }
    writer.finish()
}
