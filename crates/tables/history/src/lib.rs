//! Table `history`: training history, by epoch.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// An epoch of a fold. Sorted by `fold`, `epoch`.
///
/// Seconds are in table `timings`: they differ from run to run, and these rows must not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The fold left out, for validation.
    pub fold: u32,
    /// From 0.
    pub epoch: u32,
    /// Learning rate of the epoch's last step, before the factors of parameter groups.
    pub learning_rate: f64,
    /// Mean loss of the training images during the training pass, by the weights of each step: the class-weighted
    /// cross-entropy or focal loss in `train`, that of the metric learning in `metric-learning`, where only learned classes
    /// count. With mixup or CutMix, that of mixed images for both labels by their shares.
    pub train_loss: f64,
    /// Loss of the validation images after the epoch, without augmentation: the training's, with its class weights,
    /// smoothing and focus, and not the `log_loss` of the scores.
    pub validation_loss: f64,
    /// Loss of the test images after the epoch; null when there are none.
    pub test_loss: Option<f64>,
    /// Score of the epoch: class-weighted top-k accuracy on the fold, in `[0, 1]`. Where weights are averaged over steps, it
    /// is that of the average, as are the losses of validation and test images.
    pub score: f64,
    /// True if this epoch's model is the saved one of the fold: that of the best score, or, where `train.selection` is
    /// `last`, of the last epoch.
    pub best: bool,
}

/// Selection of the epoch whose model is saved: of the row with `best`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EpochSelection {
    /// The epoch of the best score on the fold's validation images.
    #[default]
    Best,
    /// The last epoch: nothing is selected by validation images.
    Last,
}

impl Table for History {
    const NAME: &'static str = "history";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.fold, self.epoch).cmp(&(other.fold, other.epoch))
    }
}
