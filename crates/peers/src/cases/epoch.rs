//! An epoch of training.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use images::{Augmentation, Geometry, MEAN, STD};
use numeric::inverse_counts;
use serde_json::{Value, json};
use table_history::History;
use table_timings::Timing;
use tables::Subset;
use trainer::{
    Checkpoints, CrossEntropy, DecodedImages, FineTuning, FoldSplit, Identity, LrFactors, Sampling,
    Schedule, Settings, TrainingObserver, train,
};

use crate::answer::Measurement;
use crate::case::{Case, Peer, Quality, Work};
use crate::decoded::{Decoded, SIDE_PX, annotations};
use crate::network::network;
use crate::workbench::{CLASSES, Workbench, seed, text};

const BATCH: usize = 32;
const LEARNING_RATE: f64 = 1e-4;

/// Images that are evaluated after the epoch, whose time doesn't count.
const VALIDATION: usize = 8;

/// An epoch of training a ResNet-18 at 224 pixels with augmentation, from decoded images to changed weights.
///
/// The same: initial weights, images and classes, size of the steps, class-weighted cross-entropy, Adam, ranges of the
/// augmentation. Different: ours reads pixels from the file of stage `decode`, which are resized, and samples rotation,
/// flip and crop in one step; PyTorch's loop is that of the study that atelier began with, whose images lie decoded in
/// memory, in their full size, and whose transforms are torchvision's, here in a `DataLoader` with as many workers as
/// threads, for a network with channels last. The draws of order and augmentation differ, hence the losses.
pub(crate) const CASE: Case = Case {
    name: "epoch",
    peers: &[Peer {
        name: "PyTorch, torchvision",
        function: "epoch",
        goal: 0.35,
    }],
    quality: Some(Quality {
        name: "training loss",
        tolerance: None,
    }),
    by_name_only: false,
    prepare,
};

fn prepare(bench: &Workbench) -> anyhow::Result<Vec<Work>> {
    let collection = bench.collection()?;
    let paths = collection.decoded.some(bench.sample());
    let weights = bench.path("epoch.safetensors");
    network()?.save(&weights)?;
    let augmentation = augmentation();
    let training = Training::new(&collection.decoded, &paths, &augmentation, bench)?;
    let request = json!({
        "folder": text(&collection.folder)?,
        "labels": bench.integers("epoch labels", &training.labels)?,
        "paths": &paths,
        "weights": text(&weights)?,
        "class_weights": &training.class_weights,
        "batch": BATCH,
        "lr": LEARNING_RATE,
        "resize_px": Geometry::new(SIDE_PX)?.resize_px(),
        "side_px": SIDE_PX,
        "mean": MEAN,
        "std": STD,
        "augmentation": augmentation,
    });
    Ok(vec![Work {
        size: format!("{} images at {SIDE_PX} px, batches of {BATCH}", paths.len()),
        request,
        ours: Box::new(move || training.epoch()),
        warm_up: true,
    }])
}

/// The augmentation of `params.toml`.
fn augmentation() -> Value {
    json!({
        "crop_area": 1.0,
        "trivial": false,
        "rotation_deg": 45.0,
        "flip": true,
        "brightness": 0.25,
        "contrast": 0.25,
        "saturation": 0.25,
        "erase_probability": 0.5,
    })
}

/// Everything that an epoch starts from.
struct Training {
    images: DecodedImages,
    split: FoldSplit,
    labels: Vec<usize>,
    class_weights: Vec<f32>,
    folder: PathBuf,
}

impl Training {
    fn new(
        decoded: &Decoded,
        paths: &[String],
        augmentation: &Value,
        bench: &Workbench,
    ) -> anyhow::Result<Self> {
        let all = [paths, &paths[..VALIDATION]].concat();
        let annotations = annotations(&all, CLASSES);
        let subset = |image| match image < paths.len() {
            true => Subset::Train,
            false => Subset::Validation,
        };
        let split = FoldSplit {
            fold: 0,
            classes: (0..CLASSES).map(|class| format!("class {class}")).collect(),
            class_indices: annotations.iter().map(|row| row.class_index).collect(),
            subsets: (0..all.len()).map(subset).collect(),
        };
        let how: Augmentation = serde_json::from_value(augmentation.clone())?;
        let images = DecodedImages::open(&decoded.pixels, &annotations, SIDE_PX)?;
        Ok(Self {
            images: images.augmented(how, seed()),
            labels: (0..CLASSES).cycle().take(paths.len()).collect(),
            class_weights: inverse_counts(&split.train_counts()?),
            split,
            folder: bench.path("checkpoints"),
        })
    }

    /// Trains for one epoch from the initial weights.
    fn epoch(&self) -> anyhow::Result<Measurement> {
        let mut network = network()?;
        if self.folder.exists() {
            fs_err::remove_dir_all(&self.folder)?;
        }
        let mut checkpoints = checkpoints(&self.folder, &self.split)?;
        let mut observer = Observer {
            started: Instant::now(),
            seconds: None,
        };
        let history = train(
            &mut network,
            &self.images,
            &self.split,
            &settings(),
            &CrossEntropy::new(self.class_weights.clone(), 0.0),
            &mut checkpoints,
            &mut observer,
        )?;
        let epoch = history.epochs.first().context("no epoch was trained")?;
        let measured = Measurement {
            seconds: observer.seconds.context("no epoch was timed")?,
            quality: Some(epoch.train_loss),
        };
        Ok(measured)
    }
}

fn checkpoints(folder: &Path, split: &FoldSplit) -> anyhow::Result<Checkpoints> {
    let identity = Identity {
        params: &LEARNING_RATE,
        split,
    };
    Ok(Checkpoints::open(folder, &identity)?)
}

/// Settings by default, for one epoch.
fn settings() -> Settings {
    Settings {
        epochs: 1,
        sampling: Sampling::Shuffle,
        batch_size: BATCH,
        micro_batch_size: None,
        learning_rate: Schedule::exponential(LEARNING_RATE, 0.1, 50.0),
        lr_factors: LrFactors {
            backbone: 1.0,
            head: 1.0,
            layer_decay: 1.0,
            classifier: true,
        },
        weight_decay: 0.0,
        fine_tuning: FineTuning::default(),
        selection_k: 1,
        seed: seed(),
    }
}

/// Receiver of the seconds of the training pass, without evaluation and checkpoint.
struct Observer {
    started: Instant,
    seconds: Option<f64>,
}

impl TrainingObserver for Observer {
    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn resumed(&mut self, _: &[History]) {}

    fn epoch_started(&mut self, _: usize) {}

    fn step_finished(&mut self, _: f64) {}

    fn epoch_finished(&mut self, _: &History, timing: &Timing) {
        self.seconds = Some(timing.train_s);
    }
}
