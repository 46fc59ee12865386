//! Table `calibrations`: calibration errors of the models' probabilities, before and after calibration.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A model's probabilities on a subset, by a method of calibration. Images have equal weights, whatever their class. No
/// image is evaluated by a calibrator that was fitted to it, but for a single one of `calibrators`. Intervals are those of authors
/// within classes, at a level of 95 %. Sorted by `model`, `method`, `subset`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// `network` or `forest`.
    pub model: String,
    /// `none`; `temperature` for the network; `platt` or `isotonic` for the forest.
    pub method: String,
    /// `validation`: of the network, all folds' images, each predicted by the network that was not trained on it; of the
    /// forest, those of the selected fold, which selected the network of its embedding: optimistic. `test`: of the network,
    /// the ensemble of the folds' networks.
    pub subset: Subset,
    /// Number of folds whose images are evaluated or, of test images, that the calibrator was fitted to.
    pub folds: u32,
    /// Number of calibrators; 0 for `none`. Several: each is fitted to the validation images of the other folds or, of a
    /// single fold, to those of other authors. A single one is fitted to all validation images, so that on `validation` its
    /// metrics are optimistic.
    pub calibrators: u32,
    /// Number of images.
    pub n: u32,
    /// Number of images whose class was not predicted.
    pub errors: u32,
    /// Whether there are enough images, of both outcomes, for a statement on the model's calibration: `calibrate.min_images` and
    /// `calibrate.min_errors`.
    pub judged: bool,
    /// Divisor of the logits, fitted to all validation images; null for other methods.
    pub temperature: Option<f64>,
    /// Lowest of the divisors applied.
    pub temperature_min: Option<f64>,
    /// Highest of the divisors applied.
    pub temperature_max: Option<f64>,
    /// Names of the classes of which a calibrator that was applied has seen no image.
    pub unseen_classes: Vec<String>,
    /// Expected calibration error of the predicted classes, in `[0, 1]`, lower is better.
    pub ece: f64,
    /// Lower end of its interval; null where none was computed. Resampling adds noise, which raises this error: the interval
    /// of few images may lie above the value.
    pub ece_low: Option<f64>,
    /// Upper end.
    pub ece_high: Option<f64>,
    /// Mean ECE by chance alone of a perfectly calibrated model with the same confidences; null where none was drawn.
    pub ece_by_chance: Option<f64>,
    /// Its 2.5 % quantile.
    pub ece_by_chance_low: Option<f64>,
    /// Its 97.5 % quantile. A higher ECE is evidence against the model.
    pub ece_by_chance_high: Option<f64>,
    /// Mean over the classes of the calibration error of their probabilities, in `[0, 1]`.
    pub classwise_ece: f64,
    /// Mean squared distance of the probabilities from the truth, in `[0, 2]`, lower is better.
    pub brier: f64,
    /// Mean of `−ln p` of the true class, in nats, lower is better.
    pub log_loss: f64,
    /// Lower end of its interval.
    pub log_loss_low: Option<f64>,
    /// Upper end.
    pub log_loss_high: Option<f64>,
    /// Log-loss less that by method `none`; null for that method.
    pub log_loss_change: Option<f64>,
    /// Lower end of its interval, paired by image; null where `judged` is false.
    pub log_loss_change_low: Option<f64>,
    /// Upper end.
    pub log_loss_change_high: Option<f64>,
    /// Mean probability of the predicted class, in `[0, 1]`.
    pub confidence: f64,
    /// Share of images whose class was predicted, in `[0, 1]`.
    pub accuracy: f64,
    /// Mean confidence less accuracy: above 0 the model is overconfident.
    pub excess_confidence: f64,
    /// Lower end of its interval, paired by image; null where `judged` is false.
    pub excess_confidence_low: Option<f64>,
    /// Upper end.
    pub excess_confidence_high: Option<f64>,
}

impl Table for Calibration {
    const NAME: &'static str = "calibrations";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.model, &self.method, self.subset).cmp(&(&other.model, &other.method, other.subset))
    }
}
