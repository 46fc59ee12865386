//! Settings of a training.

use random::Seed;
use serde::{Deserialize, Serialize};

use crate::fine_tuning::FineTuning;
use crate::schedule::{LrFactors, Schedule};

/// Settings of a training.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Number of epochs; each has as many samples as there are training images.
    pub epochs: usize,
    /// Sampling of the training images.
    pub sampling: Sampling,
    /// Images per step; the last step of an epoch may have fewer, or one more: a single remaining image joins it.
    pub batch_size: usize,
    /// Images that go through the network together, where a batch has more; none for whole batches. The loss is a mean
    /// over images.
    pub micro_batch_size: Option<usize>,
    /// The learning rate by step.
    pub learning_rate: Schedule,
    /// Factors of the learning rate for parameter groups.
    pub lr_factors: LrFactors,
    /// Weight decay of the optimizer.
    pub weight_decay: f64,
    /// Methods of fine-tuning.
    pub fine_tuning: FineTuning,
    /// `k` of the class-weighted top-`k` accuracy on the fold, which is highest in the best epoch.
    pub selection_k: usize,
    /// The root of all randomness.
    pub seed: Seed,
}

/// Sampling of the training images of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// Every image once, in a random order.
    Shuffle,
    /// As many draws with replacement, with equal probability of every class.
    Balanced,
}
