//! Stage `train`: training of the network on all folds but one.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use images::{Augmentation, Evaluation};
use model::{Config, Depth, Freeze, Network};
use numeric::inverse_counts;
use random::Seed;
use serde::{Deserialize, Serialize};
use stage::{Output, OutputPath};
use table_annotations::Annotation;
use table_epoch_outputs::EpochOutput;
use table_history::{EpochSelection, History};
use table_timings::Timing;
use tracing::info;
use trainer::{
    BelowOne, Checkpoints, CrossEntropy, Decay, FineTuning, FoldSplit, LrFactors, Mixing,
    NotNegative, Optimizer, Positive, Sampling, Schedule, Settings, StageRun, TrainingInputs,
    UpToOne, streams,
};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The root of all randomness.
    seed: Seed,
    /// Number of the repetition, under another seed for each above 0.
    repeat: u32,
    /// Class of the device: `cpu`, `metal` or `cuda`.
    device: String,
    /// The fold that is the validation set; the others are trained on.
    fold: u32,
    /// Depth of the ResNet: 18, 34, 50, 101 or 152.
    resnet: Depth,
    /// `true` if the ResNet's classifier is kept, between features and embedder.
    classifier: bool,
    /// Dimensions of the embedding.
    embedding_size: NonZeroUsize,
    /// Freezes the ResNet's layers before its classifier.
    freeze_cnn: bool,
    /// Freezes the ResNet's classifier.
    freeze_fc: bool,
    /// Freezes the running statistics of the ResNet's batch-norms.
    freeze_batch_norm: bool,
    /// Side of the network's square input, in pixels.
    side_px: u32,
    /// Number of epochs; each has as many samples as there are training images.
    epochs: NonZeroUsize,
    /// Sampling of the training images: `shuffle` or `balanced`.
    sampling: Sampling,
    /// Images per step.
    batch_size: NonZeroUsize,
    /// Images that go through the network together; 0 for whole batches.
    micro_batch_size: usize,
    /// The optimizer: `adam` or `adamw`.
    optimizer: Optimizer,
    /// Fall of the learning rate: `exponential` or `cosine`.
    schedule: Form,
    /// Epochs of the warm-up.
    warmup_epochs: NotNegative,
    /// The highest learning rate.
    lr: Positive,
    /// `exponential`: factor of the learning rate over `lr_decay_epochs`, which falls by the same factor in each epoch.
    /// `cosine`: the last learning rate, relative to `lr`.
    lr_decay: NotNegative,
    /// `exponential`: epochs over which the learning rate falls by `lr_decay`.
    lr_decay_epochs: Positive,
    /// Factor of the ResNet's learning rate.
    backbone_lr_factor: Positive,
    /// Factor of the learning rate from a layer of the ResNet to the one before it.
    layer_lr_decay: UpToOne,
    /// L2 penalty of Adam, or decoupled decay of AdamW.
    weight_decay: NotNegative,
    /// Largest norm of the gradients; 0 for no limit.
    clip_norm: NotNegative,
    /// Decay of the average of the weights; 0 for none.
    ema_decay: BelowOne,
    /// First epochs, which train embedder and head alone.
    head_epochs: usize,
    /// The epoch whose model is saved: `best` or `last`.
    selection: EpochSelection,
    /// Share of the target that is spread over all classes.
    label_smoothing: BelowOne,
    /// γ of the focal loss; 0 for cross-entropy.
    focal_gamma: NotNegative,
    /// α of mixup; 0 for none.
    mixup: NotNegative,
    /// α of CutMix; 0 for none.
    cutmix: NotNegative,
    /// Gives every class the same weight in the loss.
    class_weights: bool,
    /// k of the class-weighted top-k accuracy on the fold, which is highest in the best epoch.
    selection_k: NonZeroUsize,
    /// Augmentation of training images.
    augmentation: Augmentation,
    /// Views of an image in an evaluation.
    evaluation: Evaluation,
}

/// Form of the fall of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// By the same factor after each epoch.
    Exponential,
    /// By half a cosine over all epochs, step by step.
    Cosine,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    model: OutputPath,
    history: Output<History>,
    timings: Output<Timing>,
    epoch_outputs: Output<EpochOutput>,
}

// Every step allocates the same large blocks.
#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

fn main() -> ExitCode {
    stage::main(run)
}

fn run(mut params: Params, inputs: TrainingInputs, outputs: Outputs) -> anyhow::Result<()> {
    params.seed = streams::repeated(params.seed, params.repeat);
    let data = inputs.read(params.fold, params.side_px)?;
    let mixing = Mixing {
        mixup: params.mixup.get(),
        cutmix: params.cutmix.get(),
    };
    ensure!(
        params.lr_decay.get() > 0.0 || params.schedule == Form::Cosine,
        "`train.lr_decay` is 0, expected more with `train.schedule = \"exponential\"`; a cosine may end at 0"
    );
    let images = (data.images)
        .augmented(params.augmentation, params.seed)
        .mixed(mixing, params.seed)
        .evaluated(params.evaluation)?;
    let (annotations, split) = (data.annotations, data.split);
    let mut network = network(&params, split.classes.len(), inputs.weights.as_deref())?;
    let started = Instant::now();
    let run = StageRun {
        params: &params,
        split: &split,
        settings: &settings(&params),
        loss: &loss(&params, &split)?,
    };
    let (history, checkpoints) = run.train(&mut network, &images, stage::scratch()?, || {
        started.elapsed().as_secs_f64()
    })?;

    let best = history.best().context("no epoch was trained")?;
    info!(
        "fold {}: score {:.4} in epoch {}, the {}",
        params.fold,
        best.score,
        best.epoch,
        match params.selection {
            EpochSelection::Best => "best",
            EpochSelection::Last => "last",
        }
    );
    fs_err::copy(checkpoints.model_path(best), &*outputs.model)?;
    write_epochs(
        outputs.epoch_outputs,
        &annotations,
        &split,
        &history.epochs,
        &checkpoints,
    )?;
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
    let mut network = Network::new(
        &config,
        &device,
        &mut params.seed.stream(streams::WEIGHTS).rng(),
    )?;
    let freeze = Freeze {
        cnn: params.freeze_cnn,
        fc: params.freeze_fc,
        batch_norm: params.freeze_batch_norm,
    };
    trainer::load_pretrained(&mut network, weights, freeze)?;
    Ok(network)
}

fn loss(params: &Params, split: &FoldSplit) -> anyhow::Result<CrossEntropy> {
    let (mixup, cutmix, focal_gamma) = (
        params.mixup.get(),
        params.cutmix.get(),
        params.focal_gamma.get(),
    );
    ensure!(
        focal_gamma <= 0.0 || mixup <= 0.0 && cutmix <= 0.0,
        "`focal_gamma` is {focal_gamma}, `mixup` {mixup} and `cutmix` {cutmix}: expected 0 for the focal loss or for both \
         ways of mixing; no image is easy or hard with two labels"
    );
    let counts = split.train_counts()?;
    let class_weights = if params.class_weights {
        inverse_counts(&counts)
    } else {
        vec![1.0; counts.len()]
    };
    let cross_entropy = CrossEntropy::new(class_weights, params.label_smoothing.get());
    Ok(cross_entropy.with_focus(focal_gamma))
}

fn settings(params: &Params) -> Settings {
    Settings {
        epochs: params.epochs.get(),
        sampling: params.sampling,
        batch_size: params.batch_size.get(),
        micro_batch_size: Some(params.micro_batch_size).filter(|&size| size > 0),
        learning_rate: schedule(params),
        lr_factors: LrFactors {
            backbone: params.backbone_lr_factor.get(),
            head: 1.0,
            layer_decay: params.layer_lr_decay.get(),
            classifier: params.classifier,
        },
        weight_decay: params.weight_decay.get(),
        fine_tuning: FineTuning {
            optimizer: params.optimizer,
            clip_norm: params.clip_norm.get(),
            ema_decay: params.ema_decay.get(),
            head_epochs: params.head_epochs,
            selection: params.selection,
        },
        selection_k: params.selection_k.get(),
        seed: params.seed,
    }
}

fn schedule(params: &Params) -> Schedule {
    let factor = params.lr_decay.get();
    Schedule {
        start: params.lr.get(),
        warmup_epochs: params.warmup_epochs.get(),
        decay: match params.schedule {
            Form::Exponential => Decay::Exponential {
                factor,
                epochs: params.lr_decay_epochs.get(),
            },
            Form::Cosine => Decay::Cosine { factor },
        },
    }
}

/// Writes the outputs of each epoch, with one epoch in memory at a time.
fn write_epochs(
    table: Output<EpochOutput>,
    annotations: &[Annotation],
    split: &FoldSplit,
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
