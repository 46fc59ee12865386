//! Table `history`: the course of a training.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// An epoch of a fold. Sorted by `fold`, `epoch`.
///
/// Seconds are in table `timings`: they differ from run to run, and these rows must not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The fold left out, which validates.
    pub fold: u32,
    /// From 0.
    pub epoch: u32,
    /// Of the optimizer during this epoch, before factors of parts of the network.
    pub learning_rate: f64,
    /// Mean over the training pictures of the loss, while the weights moved: the class-weighted cross-entropy or focal
    /// loss in `train`, that of the metric learning in `metric-learning`, where only learned classes count.
    pub train_loss: f64,
    /// The same on the fold's pictures after the epoch, without augmentation.
    pub validation_loss: f64,
    /// The same on the test images; null when there are none.
    pub test_loss: Option<f64>,
    /// What the best epoch is chosen by: class-weighted top-k accuracy on the fold, in `[0, 1]`.
    pub score: f64,
    /// Whether the fold's saved model is this epoch's.
    pub best: bool,
}

impl Table for History {
    const NAME: &'static str = "history";

    type Columns = Self;

    fn order(&self, other: &Self) -> Ordering {
        (self.fold, self.epoch).cmp(&(other.fold, other.epoch))
    }
}
