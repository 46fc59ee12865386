//! The exponential moving average of a network's weights.

use model::Network;

use crate::TrainError;

/// Power of the warm-up of the decay.
const WARMUP_POWER: f64 = 2.0 / 3.0;

/// The exponential moving average (EMA) of weights and running statistics, after each step (Polyak & Juditsky 1992; Tarvainen
/// & Valpola 2017, *Mean teachers are better role models*, eq. 1).
///
/// It is timm's `ModelEmaV3` with `use_warmup=True`: after step `t` of the training, counted from 1, the average is
/// `d · average + (1 − d) · weights` with `d = min(decay, 1 − t^(−2/3))`, so that the first weights fade
/// within a few steps. Statistics of batch-norms are averaged likewise, and counts of batches are those of the network.
#[derive(Debug)]
pub struct WeightAverage {
    network: Network,
    decay: f64,
}

impl WeightAverage {
    /// An average with `decay` in `[0, 1)` that starts as `network`.
    ///
    /// # Errors
    /// The device has no room.
    pub fn new(network: &Network, decay: f64) -> Result<Self, TrainError> {
        Ok(Self {
            network: network.replica()?,
            decay,
        })
    }

    /// Adds the weights of `network` after step number `step` of the training, counted from 1.
    ///
    /// # Errors
    /// The device fails.
    pub fn update(&mut self, network: &Network, step: usize) -> Result<(), TrainError> {
        let decay = self.decay.min(1.0 - (step as f64).powf(-WARMUP_POWER));
        Ok(self.network.approach(network, 1.0 - decay)?)
    }

    /// The network of the average.
    pub fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }
}
