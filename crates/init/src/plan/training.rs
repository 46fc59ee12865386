//! Settings of the training and of metric learning.

use serde_json::json;

use super::{Facts, PlanBuilder, SIDES_PX, whole};
use crate::cost::{self, Sizes};
use crate::facts::{Class, Range};

/// Size and schedule of the training.
#[derive(Debug, Clone, Copy)]
pub(super) struct Training {
    pub(super) side_px: u32,
    pub(super) epochs: usize,
    pub(super) depth: u32,
    pub(super) batch_size: usize,
    lr: f64,
    /// Target time in minutes.
    minutes: f64,
    /// Side that fits the images' own.
    wanted_px: u32,
}

impl PlanBuilder {
    /// Side, epochs, batch and learning rate within the time.
    pub(super) fn training(facts: &Facts, sizes: Sizes) -> Training {
        let is_pretrained = facts.weights.is_some();
        let depth = facts.weights.as_ref().map_or(18, |weights| weights.depth);
        let wanted_px = wanted_side(facts.short_sides.median);
        let usual = if wanted_px >= 128 || sizes.all > 5000 {
            22.0
        } else {
            8.5
        };
        let minutes = facts.minutes.unwrap_or(usual);
        let budget_s = (minutes * 60.0 - 40.0 - sizes.all as f64 * 8e-3).max(minutes * 30.0);
        // Number of images over all epochs, more with more time; then the most epochs, and the part of the epochs that a
        // larger side must leave.
        let (images, most, part) = if is_pretrained {
            (10_000.0, 20, 0.5)
        } else {
            (14_000.0, 40, 0.6)
        };
        let images = images * (minutes / usual).clamp(1.0, 2.0);
        let target = whole(images / sizes.train.max(1) as f64).clamp(3, most);
        let least = whole(target as f64 * part).clamp(3, 12);
        let least_px = if wanted_px >= 128 { 64 } else { 32 };
        let mut sides = SIDES_PX
            .into_iter()
            .rev()
            .filter(|side| (least_px..=wanted_px).contains(side));
        let affordable = |side| budget_s / cost::epoch_s(facts.machine, sizes, side, depth);
        let side_px = sides
            .find(|&side| affordable(side) >= least as f64)
            .unwrap_or(least_px.min(wanted_px));
        let epochs = whole(affordable(side_px)).clamp(least.min(2), target);
        let batch_size = match (facts.machine.device.is_gpu(), sizes.train) {
            (true, 2000..) => 64,
            (_, 5000..) | (true, _) => 32,
            _ => 16,
        };
        // Rates of params/paintings-study.toml and of the demo; a larger batch has a larger rate.
        let lr = match (is_pretrained, batch_size) {
            (true, _) if epochs >= 10 => 1e-4,
            (true, _) => 2e-4,
            (false, 16) => 4e-4,
            (false, 32) => 6e-4,
            _ => 8e-4,
        };
        Training {
            side_px,
            epochs,
            depth,
            batch_size,
            lr,
            minutes,
            wanted_px,
        }
    }
}

/// The smallest side that keeps four fifths of the images' own.
fn wanted_side(short_px: u32) -> u32 {
    let fills = |side: &u32| f64::from(*side) >= 0.8 * f64::from(short_px);
    SIDES_PX.into_iter().find(fills).unwrap_or(224)
}

impl PlanBuilder {
    /// Network and training.
    pub(super) fn network(&mut self, facts: &Facts, classes: &[&Class], training: &Training) {
        let Training {
            side_px,
            epochs,
            depth,
            batch_size,
            lr,
            ..
        } = *training;
        let k = classes.len();
        if let Some(weights) = &facts.weights {
            self.set(
                "model.weights",
                json!(weights.path),
                "ImageNet's weights, found here",
            );
            self.set(
                "model.resnet",
                json!(depth),
                "the network that the weights are of",
            );
        }
        let embedding = (2 * k).next_power_of_two().clamp(16, 64);
        self.set(
            "model.embedding_size",
            json!(embedding),
            format!("twice the number of classes, {k}, from 16 to 64"),
        );
        self.set(
            "train.side_px",
            json!(side_px),
            side_reason(facts, training),
        );
        let reason = format!(
            "as many as fit {} on this machine, within what so many images need",
            aim(training.minutes)
        );
        self.set("train.epochs", json!(epochs), reason);
        let reason = format!(
            "for the {} and this number of images",
            facts.machine.device.name().to_uppercase()
        );
        self.set("train.batch_size", json!(batch_size), reason);
        let reason = match facts.weights {
            Some(_) => "fine-tuning from pretrained weights",
            None => "training from nothing takes longer steps than fine-tuning",
        };
        self.set("train.lr", json!(lr), reason);
        self.set(
            "train.lr_decay_epochs",
            json!(decay(epochs)),
            "the rate falls over the epochs that there are",
        );
        let reason = format!(
            "{k} classes: the best epoch is chosen by the {}",
            if k < 5 {
                "first guess"
            } else {
                "first two guesses"
            }
        );
        self.set(
            "train.selection_k",
            json!(if k < 5 { 1 } else { 2 }),
            reason,
        );
        self.augmentation(classes);
    }

    /// Augmentation: rotation and flips that change the class.
    fn augmentation(&mut self, classes: &[&Class]) {
        let has_word = |words: &[&str]| {
            let mut parts = classes
                .iter()
                .flat_map(|class| class.label.split(|c: char| !c.is_alphanumeric()));
            parts.any(|part| words.contains(&part))
        };
        let is_written = classes.iter().all(|class| class.label.chars().count() == 1)
            || has_word(&["letter", "letters", "digit", "digits", "glyph", "glyphs"]);
        let flip = "train.augmentation.flip";
        if is_written {
            self.set(
                flip,
                json!(false),
                "letters and digits are no mirror images",
            );
            self.set(
                "train.augmentation.rotation_deg",
                json!(15.0),
                "letters and digits stand upright",
            );
        } else if has_word(&["left", "right"]) {
            self.set(flip, json!(false), "names of classes tell left from right");
        } else {
            self.undecided.push(format!(
                "whether a mirrored image is of the same class (letters, digits and side marks are not): `{flip}`"
            ));
        }
    }

    /// Metric learning: its training, and the classes that are held out.
    pub(super) fn metric_learning(&mut self, classes: &[&Class], training: &Training) {
        let held_out = held_out(classes);
        let reason = if held_out.is_empty() {
            format!(
                "{} classes are too few to hold some of them out",
                classes.len()
            )
        } else {
            "of middle size: the network learns without them, so that they test the distances"
                .to_owned()
        };
        self.set("metric-learning.held_out", json!(held_out), reason);
        self.set(
            "metric-learning.epochs",
            json!(training.epochs),
            "as `train.epochs`",
        );
        self.set(
            "metric-learning.batch_size",
            json!(training.batch_size),
            "as `train.batch_size`",
        );
        self.set("metric-learning.lr", json!(training.lr), "as `train.lr`");
        self.set(
            "metric-learning.lr_decay_epochs",
            json!(decay(training.epochs)),
            "as `train.lr_decay_epochs`",
        );
    }
}

/// Epochs over which the learning rate falls to a tenth.
pub(super) fn decay(epochs: usize) -> usize {
    (epochs * 4).div_ceil(3)
}

/// Held-out classes of metric learning: of five and more a fifth, at most five, spread over the middle sizes.
pub(super) fn held_out(classes: &[&Class]) -> Vec<String> {
    let k = classes.len();
    if k < 5 {
        return Vec::new();
    }
    let n = (k / 5).clamp(2, 5).min(k - 3);
    let mut by_size: Vec<&&Class> = classes.iter().collect();
    by_size.sort_by_key(|class| (class.images, &class.label));
    let mut names: Vec<String> = (1..=n)
        .map(|at| by_size[at * k / (n + 1)].label.clone())
        .collect();
    names.sort();
    names
}

fn aim(minutes: f64) -> String {
    format!("{minutes:.0} minutes")
}

fn side_reason(facts: &Facts, training: &Training) -> String {
    let Range { min, median, max } = facts.short_sides;
    let sides = if min == max {
        format!("the images' short sides are {min} pixels")
    } else {
        format!("the images' short sides are {min} to {max} pixels, half of them up to {median}")
    };
    if training.side_px < training.wanted_px {
        let minutes = aim(training.minutes);
        format!(
            "{sides}; {} px would take longer than {minutes} here",
            training.wanted_px
        )
    } else {
        sides
    }
}
