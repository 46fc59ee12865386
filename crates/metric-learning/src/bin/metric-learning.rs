//! Stage `metric-learning`: training of an embedding in which classes are separated, without some of the classes.

use std::num::NonZeroUsize;
use std::path::Path;
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
use stage::Output;
use table_annotations::Annotation;
use table_history::History;
use table_metric_embeddings::MetricEmbedding;
use table_timings::Timing;
use tables::Subset;
use trainer::{
    Angle, CrossEntropy, FineTuning, FoldSplit, Loss, LrFactors, NotNegative, Positive, Sampling,
    Schedule, Settings, StageRun, TrainingInputs,
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
    /// `true` if the ResNet's classifier is kept, between features and embedder.
    classifier: bool,
    /// Freezes the ResNet's layers before its classifier.
    freeze_cnn: bool,
    /// Freezes the ResNet's classifier.
    freeze_fc: bool,
    /// Side of the network's square input, in pixels.
    side_px: u32,
    /// Augmentation of training images.
    augmentation: Augmentation,
    /// The fold that is the validation set; the others are trained on.
    fold: u32,
    /// Classes that are not learned.
    held_out: Vec<String>,
    /// The loss: `arcface` or `triplet`.
    loss: Objective,
    /// Dimensions of the embedding.
    embedding_size: NonZeroUsize,
    /// Passes over the training images.
    epochs: NonZeroUsize,
    /// Images per step.
    batch_size: NonZeroUsize,
    /// Learning rate of the first epoch.
    lr: Positive,
    /// Factor of the learning rates over `lr_decay_epochs`, which fall by the same factor in each epoch.
    lr_decay: Positive,
    /// Epochs over which the learning rates fall by `lr_decay`.
    lr_decay_epochs: Positive,
    /// L2 penalty of Adam.
    weight_decay: NotNegative,
    /// Gives every class the same weight in ArcFace and in the cross-entropy.
    class_weights: bool,
    /// ArcFace: learning rate of the class centers in the first epoch.
    centers_lr: Positive,
    /// ArcFace: scale of the cosines.
    scale: Positive,
    /// ArcFace: margin added to the angle to the own center, in degrees.
    margin_deg: Angle,
    /// Triplet: margin between the distances to other classes and to the own one, on the unit sphere.
    triplet_margin: NotNegative,
}

/// Loss of the training.
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
struct Outputs {
    metric_embeddings: Output<MetricEmbedding>,
    history: Output<History>,
    timings: Output<Timing>,
}

// Every step allocates the same large blocks.
#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: TrainingInputs, outputs: Outputs) -> anyhow::Result<()> {
    let data = inputs.read(params.fold, params.side_px)?;
    let images = (data.images).augmented(params.augmentation, params.seed);
    let (annotations, whole) = (data.annotations, data.split);
    let held_out: Vec<String> = params
        .held_out
        .iter()
        .map(|name| normalized(name))
        .collect();
    let split = hold_out(whole.clone(), &held_out)
        .context("cannot learn without the classes of `held_out`")?;
    let mut network = network(&params, split.classes.len(), inputs.weights.as_deref())?;
    let started = Instant::now();
    let run = StageRun {
        params: &params,
        split: &split,
        settings: &settings(&params),
        loss: &*loss(&params, &split)?,
    };
    let (history, checkpoints) = run.train(&mut network, &images, stage::scratch()?, || {
        started.elapsed().as_secs_f64()
    })?;

    let mut writer = outputs.metric_embeddings.writer();
    for epoch in &history.epochs {
        let results = trainer::Outputs::load(&checkpoints.outputs_path(epoch.epoch as usize))?;
        let row = |(image, annotation): (usize, &Annotation)| MetricEmbedding {
            epoch: epoch.epoch,
            path: annotation.path.clone(),
            label: annotation.label.clone(),
            subset: whole.subsets[image],
            learned: split.subsets[image] != Subset::Unseen,
            embedding: results.embedding(image).to_vec(),
        };
        writer.append(annotations.iter().enumerate().map(row).collect())?;
    }
    writer.finish()?;
    outputs.history.write(history.epochs)?;
    outputs.timings.write(history.timings)
}

fn network(params: &Params, n_classes: usize, weights: Option<&Path>) -> anyhow::Result<Network> {
    let config = Config {
        depth: params.resnet,
        classifier: params.classifier,
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
        ..Freeze::default()
    };
    trainer::load_pretrained(&mut network, weights, freeze)?;
    Ok(network)
}

fn loss(params: &Params, split: &FoldSplit) -> anyhow::Result<Box<dyn Loss>> {
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
        micro_batch_size: None,
        learning_rate: Schedule::exponential(
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
            layer_decay: 1.0,
            classifier: params.classifier,
        },
        weight_decay: params.weight_decay.get(),
        fine_tuning: FineTuning::default(),
        // The history's score: the share of the fold's images that are nearest to their own class's center.
        selection_k: 1,
        seed: params.seed,
    }
}
