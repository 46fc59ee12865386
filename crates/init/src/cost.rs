//! Estimates of a study's time, by measurements on two cores of a server.

use serde::Serialize;

/// Milliseconds of wall time for one image of a training step, ResNet-18 at [`BASE_SIDE_PX`], on two cores.
const BASE_MS: f64 = 6.0;

/// Side of the base measurement, in pixels.
const BASE_SIDE_PX: f64 = 48.0;

/// Exponent of the side: 3.5 ms at 32 px, 45 ms at 224 px.
const SIDE_EXPONENT: f64 = 1.31;

/// Exponent of the number of cores beyond two.
const CORES_EXPONENT: f64 = 0.85;

/// A forward pass in units of a training step.
const FORWARD: f64 = 0.25;

/// Speed of a GPU in units of two cores, at least.
const GPU: f64 = 60.0;

/// The device that networks run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Device {
    Cpu,
    Metal,
    Cuda,
}

impl Device {
    /// Returns whether it is a GPU.
    pub(crate) fn is_gpu(self) -> bool {
        self != Self::Cpu
    }

    /// Name, as in parameters.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Metal => "metal",
            Self::Cuda => "cuda",
        }
    }
}

/// Properties of the machine that time depends on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Machine {
    pub(crate) device: Device,
    /// Number of cores that may be used.
    pub(crate) cores: usize,
}

impl Machine {
    /// Seconds for one image of a training step.
    pub(crate) fn step_s(self, side_px: u32, depth: u32) -> f64 {
        let side = (f64::from(side_px) / BASE_SIDE_PX).powf(SIDE_EXPONENT);
        let depth = match depth {
            18 => 1.0,
            34 => 1.9,
            50 => 2.6,
            101 => 4.5,
            _ => 6.5,
        };
        BASE_MS / 1000.0 * side * depth / self.speed()
    }

    /// Seconds for one image of a forward pass.
    pub(crate) fn forward_s(self, side_px: u32, depth: u32) -> f64 {
        FORWARD * self.step_s(side_px, depth)
    }

    /// Speed in units of two cores.
    fn speed(self) -> f64 {
        if self.device.is_gpu() {
            GPU
        } else {
            self.cores_factor()
        }
    }

    /// Speed of the processor in units of two cores.
    fn cores_factor(self) -> f64 {
        (self.cores.max(1) as f64 / 2.0).powf(CORES_EXPONENT)
    }
}

/// Numbers of images of a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Images of the collection.
    pub(crate) all: usize,
    /// Training images of a fold.
    pub(crate) train: usize,
    /// Number of folds.
    pub(crate) folds: usize,
    /// Number of classes.
    pub(crate) classes: usize,
}

/// Parameters that the time depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Work {
    pub(crate) side_px: u32,
    pub(crate) depth: u32,
    pub(crate) epochs: usize,
    /// Images with an attribution.
    pub(crate) attributed: usize,
    /// Occlusion windows of each of them.
    pub(crate) windows: usize,
    /// Number of all trees.
    pub(crate) trees: usize,
    /// Number of clusterings, restarts included.
    pub(crate) clusterings: usize,
    /// Epochs of UMAP.
    pub(crate) umap_epochs: usize,
}

/// Seconds of a study.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Estimate {
    /// Every fold, the two splits with leakage, and metric learning.
    pub(crate) training_s: f64,
    /// All other stages.
    pub(crate) other_s: f64,
}

impl Estimate {
    /// Total in minutes.
    pub(crate) fn minutes(self) -> f64 {
        (self.training_s + self.other_s) / 60.0
    }
}

/// Number of networks besides those of the folds: two splits with leakage and metric learning.
const OTHER_NETWORKS: usize = 3;

/// Seconds of an epoch of all networks, one after the other.
pub(crate) fn epoch_s(machine: Machine, sizes: Sizes, side_px: u32, depth: u32) -> f64 {
    let networks = (sizes.folds + OTHER_NETWORKS) as f64;
    let rest = sizes.all.saturating_sub(sizes.train) as f64;
    let train = sizes.train as f64 * machine.step_s(side_px, depth);
    networks * (train + rest * machine.forward_s(side_px, depth))
}

/// Seconds of the study.
pub(crate) fn estimate(machine: Machine, sizes: Sizes, work: &Work) -> Estimate {
    let n = sizes.all as f64;
    let forward = machine.forward_s(work.side_px, work.depth);
    let attributed = (work.attributed * work.windows) as f64 * forward;
    // Features of the frozen network, and predictions of the selected one.
    let passes = 2.0 * n * forward;
    let processor = machine.cores_factor();
    // Sorting dominates a tree: a column of the embedding takes n log n.
    let trees = work.trees as f64 * n * (n + 2.0).log2() * 4e-8;
    let clusters =
        work.clusterings as f64 * n * sizes.classes as f64 * 4e-8 + n * n.min(5000.0) * 1e-7;
    let umap = work.umap_epochs as f64 * n * 4e-6;
    let reads = n * 4e-3;
    Estimate {
        training_s: work.epochs as f64 * epoch_s(machine, sizes, work.side_px, work.depth),
        other_s: 15.0 + attributed + passes + (trees + clusters + umap + reads) / processor,
    }
}

/// Minutes in words, such as `about 4 minutes` or `about 3 hours`.
pub(crate) fn in_words(minutes: f64) -> String {
    if minutes < 1.5 {
        "about a minute".to_owned()
    } else if minutes < 90.0 {
        format!("about {minutes:.0} minutes")
    } else if minutes < 48.0 * 60.0 {
        format!("about {:.0} hours", minutes / 60.0)
    } else {
        format!("about {:.0} days", minutes / 60.0 / 24.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_CORES: Machine = Machine {
        device: Device::Cpu,
        cores: 2,
    };

    #[test]
    fn a_step_takes_the_measured_time() {
        let ms = |side| (TWO_CORES.step_s(side, 18) * 1000.0).round();
        assert_eq!(
            [ms(32), ms(48), ms(224)].map(|ms| ms.to_string()),
            ["4", "6", "45"]
        );
    }

    #[test]
    fn more_cores_and_gpus_are_faster() {
        let step = |machine: Machine| machine.step_s(224, 18);
        let eight = Machine {
            cores: 8,
            ..TWO_CORES
        };
        let gpu = Machine {
            device: Device::Cuda,
            ..TWO_CORES
        };
        assert!(step(eight) < step(TWO_CORES) && step(gpu) < step(eight));
    }

    #[test]
    fn minutes_are_rounded_in_words() {
        assert_eq!(in_words(0.4), "about a minute");
        assert_eq!(in_words(12.3), "about 12 minutes");
        assert_eq!(in_words(200.0), "about 3 hours");
    }
}
