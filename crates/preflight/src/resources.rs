//! Memory of a training step and disk of a study's outputs.

use model::Depth;

use crate::machine::in_units;
use crate::{Finding, FoldSplit, Settings};

/// Bytes of a training step on the CPU for each number that leaves a convolution, for each parameter (its value, its
/// gradient and two moments), and of the process: fitted to 828 and 1,394 MB at batches of 16 and 32 images of 224
/// pixels by ResNet-18.
const BYTES_A_NUMBER: f64 = 14.3;
const BYTES_A_PARAMETER: f64 = 16.0;
const PROCESS: f64 = 75e6;

/// Bytes of a parameter in the average of the weights, in memory and in a checkpoint.
const AVERAGE: u64 = 4;

/// Factor of the reference operations, as on GPUs.
const ON_GPU: f64 = 3.0;

/// Bytes of a parameter in a checkpoint: its value and two moments.
const CHECKPOINT: u64 = 12;

/// Estimated memory and disk of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Bytes of memory of one training step, the largest of all trainings.
    pub step: u64,
    /// Bytes of disk of all trainings' outputs and of one training's checkpoint.
    pub outputs: u64,
}

impl Footprint {
    /// The estimate for a collection.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate of bytes"
    )]
    pub fn of(settings: &Settings, split: &FoldSplit) -> Self {
        let largest = settings
            .train
            .images_together()
            .max(settings.metric_learning.batch_size);
        let (numbers, parameters) = size(settings.resnet);
        let pixels = (settings.train.side_px as f64 / 224.0).powi(2) * largest as f64;
        let images = BYTES_A_NUMBER * numbers * pixels;
        let of_images = if settings.device == "cpu" {
            images
        } else {
            ON_GPU * images
        };
        let average = if settings.train.ema_decay > 0.0 {
            AVERAGE
        } else {
            0
        };
        let a_parameter = BYTES_A_PARAMETER + average as f64;
        let step = of_images + a_parameter * parameters + PROCESS;
        let parameters = parameters as u64;
        let (images, classes) = (split.len() as u64, split.labels().len() as u64);
        let epoch = |numbers: u64| images * (4 * numbers + 16);
        let trained =
            epoch(classes + settings.embedding_size as u64) * settings.train.epochs as u64;
        let arranged = epoch(settings.metric_learning.embedding_size as u64)
            * settings.metric_learning.epochs as u64;
        // The folds, and the two splits with leakage.
        let trainings = u64::from(settings.split.folds) + 2;
        // Outputs of epochs are in the checkpoint while the table is written.
        let checkpoint = (CHECKPOINT + average + 4) * parameters + trained.max(arranged);
        Self {
            step: step as u64,
            outputs: trainings * (trained + 4 * parameters) + arranged + checkpoint,
        }
    }
}

/// Numbers that leave the convolutions for an image of 224 pixels, and parameters with the classifier of ImageNet (timm's
/// `benchmark-infer`, "acts" and "params").
fn size(depth: Depth) -> (f64, f64) {
    let millions = match depth {
        Depth::D18 => (2.48, 11.69),
        Depth::D34 => (3.74, 21.80),
        Depth::D50 => (11.11, 25.56),
        Depth::D101 => (16.23, 44.55),
        Depth::D152 => (22.56, 60.19),
    };
    (1e6 * millions.0, 1e6 * millions.1)
}

/// Checks an estimate against the machine; unknown values are not checked.
pub fn check_resources(
    settings: &Settings,
    footprint: Footprint,
    memory: Option<u64>,
    disk: Option<u64>,
    findings: &mut Vec<Finding>,
) {
    // A GPU has memory of its own; its driver reports when it is too small.
    let memory = memory.filter(|_| settings.device == "cpu");
    if let Some(memory) = memory.filter(|memory| *memory < footprint.step) {
        findings.push(Finding::new(
            format!(
                "a training step of ResNet-{} with batches of {} at {} px takes about {} of memory, {} is free",
                settings.resnet.layers(),
                settings.train.images_together().max(settings.metric_learning.batch_size),
                settings.train.side_px,
                in_units(footprint.step),
                in_units(memory)
            ),
            "set `train.micro_batch_size`, smaller `train.batch_size` and `metric-learning.batch_size`, `train.side_px`, or \
             `model.resnet`, or close other programs",
        ));
    }
    if let Some(disk) = disk.filter(|disk| *disk < footprint.outputs) {
        findings.push(Finding::new(
            format!(
                "the outputs of all trainings take about {} of disk, {} is free",
                in_units(footprint.outputs),
                in_units(disk)
            ),
            "free some disk (`cargo xtask cache gc`), or set fewer `train.epochs` or `split.folds`",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold_split::tests::split_of;
    use crate::settings::tests::settings;

    fn small() -> FoldSplit {
        split_of(&[
            ("a", "0", 40),
            ("a", "1", 60),
            ("b", "0", 50),
            ("b", "1", 50),
        ])
    }

    #[test]
    fn a_step_takes_the_measured_memory() {
        let mut settings = settings();
        settings.train.side_px = 224;
        for (batch_size, measured) in [(16, 828e6), (32, 1_394e6)] {
            settings.train.batch_size = batch_size;
            let estimated = Footprint::of(&settings, &small()).step as f64;
            assert!((estimated / measured - 1.0).abs() < 0.15, "{estimated}");
        }
    }

    #[test]
    fn outputs_grow_with_images_and_epochs() {
        let mut settings = settings();
        let few = Footprint::of(&settings, &small()).outputs;
        // Eleven million parameters of 4 bytes in four models, and a checkpoint.
        assert!((300_000_000..600_000_000).contains(&few), "{few}");
        settings.train.epochs += 10;
        let more = Footprint::of(&settings, &small()).outputs;
        // Ten epochs of 200 images with 2 logits and 32 dimensions, in four trainings and the checkpoint.
        assert_eq!(more - few, 5 * 10 * 200 * (4 * 34 + 16));
    }

    #[test]
    fn too_little_memory_and_disk_name_the_settings() {
        let settings = settings();
        let footprint = Footprint {
            step: 900_000_000,
            outputs: 3_000_000_000,
        };
        let check = |memory, disk| {
            let mut findings = Vec::new();
            check_resources(&settings, footprint, memory, disk, &mut findings);
            findings.iter().map(Finding::to_string).collect::<Vec<_>>()
        };
        let found = check(Some(500_000_000), Some(1_000_000_000));
        assert!(
            found[0].contains("about 900 MB of memory, 500 MB is free"),
            "{found:?}"
        );
        assert!(
            found[1].contains("about 3.0 GB of disk, 1.0 GB is free"),
            "{found:?}"
        );
        assert_eq!(check(Some(1 << 40), None), [""; 0]);
    }
}
