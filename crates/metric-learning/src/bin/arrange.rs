//! Stage `arrange`: a network that learns a small space in which classes stand apart, without seeing some of them.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use collection::normalized;
use images::Augmentation;
use metric_learning::{ArcFace, Triplet, TripletAndCrossEntropy, hold_out, streams};
use model::{Config, Depth, Freeze, Network};
use numeric::balanced_weights;
use random::Seed;
use serde::{Deserialize, Serialize};
use stage::{Input, InputPath, Output};
use table_annotations::Annotation;
use table_folds::Fold;
use table_history::History;
use table_metric_embeddings::MetricEmbedding;
use table_timings::Timing;
use tables::Subset;
use trainer::{
    Angle, Checkpoints, CrossEntropy, ExponentialDecay, Identity, Loss, LrFactors, NotNegative,
    PixelPictures, Positive, Sampling, Settings, Split, Teller, train,
};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The root of all randomness.
    seed: Seed,
    /// Class of the device: `cpu`, `metal` or `cuda`.
    device: String,
    /// Depth of the ResNet: 18, 34, 50, 101 or 152.
    resnet: Depth,
    /// Whether the ResNet's layers before its classifier stay as they are.
    freeze_cnn: bool,
    /// Whether the ResNet's classifier stays as it is.
    freeze_fc: bool,
    /// Side of the square that the network sees, in pixels.
    side_px: u32,
    /// How training pictures are varied.
    augmentation: Augmentation,
    /// The fold left out, which validates; the others are trained on.
    fold: u32,
    /// Classes that are not learned.
    held_out: Vec<String>,
    /// What is made smaller: `arcface` or `triplet`.
    loss: Objective,
    /// Dimensions of the space.
    embedding_size: NonZeroUsize,
    /// Passes over the training pictures.
    epochs: NonZeroUsize,
    /// Pictures a step.
    batch_size: NonZeroUsize,
    /// Learning rate of the first epoch.
    lr: Positive,
    /// What the learning rates are multiplied by over `lr_decay_epochs`, epoch by epoch with the same factor.
    lr_decay: Positive,
    /// Epochs over which the learning rates fall by `lr_decay`.
    lr_decay_epochs: Positive,
    /// L2 penalty of Adam.
    weight_decay: NotNegative,
    /// Whether every class counts the same in ArcFace and in the cross-entropy.
    class_weights: bool,
    /// ArcFace: learning rate of the class centers in the first epoch.
    centers_lr: Positive,
    /// ArcFace: what cosines are multiplied by.
    scale: Positive,
    /// ArcFace: what the angle to the own center is widened by, in degrees.
    margin_deg: Angle,
    /// Triplet: how much nearer than other classes the own one should be, between points of the unit sphere.
    triplet_margin: NotNegative,
}

/// What is made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Objective {
    /// ArcFace: classes are directions.
    Arcface,
    /// The triplet margin loss of the embeddings and the cross-entropy of a linear head.
    Triplet,
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
    metric_embeddings: Output<MetricEmbedding>,
    history: Output<History>,
    timings: Output<Timing>,
}

// Every step needs the same large blocks again.
#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let annotations = inputs.annotations.read()?;
    let whole = Split::new(&annotations, &inputs.folds.read()?, params.fold)?;
    let held_out: Vec<String> = params
        .held_out
        .iter()
        .map(|name| normalized(name))
        .collect();
    let split = hold_out(whole.clone(), &held_out)
        .context("cannot learn without the classes of `held_out`")?;
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
        &*loss(&params, &split)?,
        &mut checkpoints,
        &mut Teller::new(params.epochs.get(), clock),
    )?;

    let mut writer = outputs.metric_embeddings.writer();
    for epoch in &course.history {
        let said = trainer::Outputs::load(&checkpoints.outputs_path(epoch.epoch as usize))?;
        let row = |(image, annotation): (usize, &Annotation)| MetricEmbedding {
            epoch: epoch.epoch,
            path: annotation.path.clone(),
            label: annotation.label.clone(),
            subset: whole.subsets[image],
            learned: split.subsets[image] != Subset::Unseen,
            embedding: said.embedding(image).to_vec(),
        };
        writer.append(annotations.iter().enumerate().map(row).collect())?;
    }
    writer.finish()?;
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
    let mut rng = params.seed.stream(streams::WEIGHTS).rng();
    let mut network = match params.loss {
        Objective::Arcface => Network::with_cosine_head(&config, &device, &mut rng)?,
        Objective::Triplet => Network::new(&config, &device, &mut rng)?,
    };
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

fn loss(params: &Params, split: &Split) -> anyhow::Result<Box<dyn Loss>> {
    let counts = split.train_counts()?;
    let class_weights = if params.class_weights {
        balanced_weights(&counts)
    } else {
        vec![1.0; counts.len()]
    };
    Ok(match params.loss {
        Objective::Arcface => Box::new(ArcFace::new(
            class_weights,
            params.scale.get(),
            params.margin_deg.get(),
        )),
        Objective::Triplet => Box::new(TripletAndCrossEntropy {
            triplet: Triplet::new(params.triplet_margin.get()),
            cross_entropy: CrossEntropy::new(class_weights, 0.0),
        }),
    })
}

fn settings(params: &Params) -> Settings {
    let (lr, centers_lr) = (params.lr.get(), params.centers_lr.get());
    Settings {
        epochs: params.epochs.get(),
        sampling: Sampling::Shuffle,
        batch_size: params.batch_size.get(),
        learning_rate: ExponentialDecay::new(
            lr,
            params.lr_decay.get(),
            params.lr_decay_epochs.get(),
        ),
        lr_factors: LrFactors {
            backbone: 1.0,
            head: match params.loss {
                Objective::Arcface => centers_lr / lr,
                Objective::Triplet => 1.0,
            },
        },
        weight_decay: params.weight_decay.get(),
        // The history's score: how many of the fold's pictures are nearest to their own class's center.
        selection_k: 1,
        seed: params.seed,
    }
}
