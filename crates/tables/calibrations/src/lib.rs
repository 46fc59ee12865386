//! Table `calibrations`: calibration errors of the models' probabilities, before and after calibration.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A model's probabilities on a subset, by a method of calibration. Images have equal weights, whatever their class.
/// Sorted by `model`, `method`, `subset`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// `network` or `forest`.
    pub model: String,
    /// `none`; `temperature` for the network; `platt` or `isotonic` for the forest.
    pub method: String,
    /// `validation`, to whose images the methods were fitted, or `test`.
    pub subset: Subset,
    /// Number of images.
    pub n: u32,
    /// Divisor of the logits; null for other methods.
    pub temperature: Option<f64>,
    /// Expected calibration error of the predicted classes, in `[0, 1]`, lower is better.
    pub ece: f64,
    /// Lower end of its 95 % bootstrap interval by author; null where none was computed. Resampling adds noise, which
    /// raises this error: the interval of few images may lie above the value.
    pub ece_low: Option<f64>,
    /// Upper end.
    pub ece_high: Option<f64>,
    /// Mean ECE by chance alone of a perfectly calibrated model with the same confidences; null where none was drawn.
    pub ece_by_chance: Option<f64>,
    /// Mean over the classes of the calibration error of their probabilities, in `[0, 1]`.
    pub classwise_ece: f64,
    /// Mean squared distance of the probabilities from the truth, in `[0, 2]`, lower is better.
    pub brier: f64,
    /// Mean of `−ln p` of the true class, in nats, lower is better.
    pub log_loss: f64,
    /// Lower end of its 95 % bootstrap interval by author.
    pub log_loss_low: Option<f64>,
    /// Upper end.
    pub log_loss_high: Option<f64>,
    /// Share of images whose class was predicted, in `[0, 1]`.
    pub top1: f64,
}

impl Table for Calibration {
    const NAME: &'static str = "calibrations";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.model, &self.method, self.subset).cmp(&(&other.model, &other.method, other.subset))
    }
}
