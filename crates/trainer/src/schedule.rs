//! The learning rate by step and parameter group.

use std::f64::consts::PI;

use model::{ParameterGroup, layers_behind};

use crate::TrainError;

/// Course of the learning rate over a training.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// The highest learning rate.
    pub start: f64,
    /// Epochs of a linear warm-up from 0 (Goyal et al. 2017, *Accurate, Large Minibatch SGD*, section 2.2), step by step:
    /// none for 0, and parts of an epoch are whole steps, rounded.
    pub warmup_epochs: f64,
    /// Fall of the learning rate.
    pub decay: Decay,
}

/// Fall of the learning rate.
#[derive(Clone, Copy, Debug)]
pub enum Decay {
    /// By the same factor after each epoch, to `factor · start` after `epochs` epochs, counted from the start, warm-up
    /// included (PyTorch's `ExponentialLR`). Steps of a warm-up have their share of the epoch's rate.
    Exponential {
        /// Factor over `epochs`.
        factor: f64,
        /// Epochs over which the learning rate falls by `factor`.
        epochs: f64,
    },
    /// By half a cosine from `start` at the end of the warm-up to `factor · start` at the end of the training, step by step
    /// (Loshchilov & Hutter 2017, *SGDR*, eq. 5, without restarts). With the warm-up it is timm's `CosineLRScheduler` with
    /// `t_in_epochs=False`, `warmup_prefix=True` and `warmup_lr_init=0`, where the first of `T` steps has number 0, and a
    /// step `T` would have `lr_min`.
    Cosine {
        /// The last learning rate, relative to the highest.
        factor: f64,
    },
}

impl Schedule {
    /// A learning rate that falls by the same factor after each epoch, from `start` to `start · factor` after `epochs`.
    pub fn exponential(start: f64, factor: f64, epochs: f64) -> Self {
        Self {
            start,
            warmup_epochs: 0.0,
            decay: Decay::Exponential { factor, epochs },
        }
    }

    /// The schedule of a training of `epochs` epochs of `steps` steps.
    ///
    /// # Errors
    /// The warm-up leaves no step.
    pub fn over(self, epochs: usize, steps: usize) -> Result<StepSchedule, TrainError> {
        let warmup = (self.warmup_epochs * steps as f64).round();
        let total = (epochs * steps) as f64;
        if warmup > 0.0 && warmup >= total {
            return Err(TrainError::Warmup {
                warmup_epochs: self.warmup_epochs,
                epochs,
            });
        }
        Ok(StepSchedule {
            schedule: self,
            steps,
            warmup,
            total,
        })
    }
}

/// The learning rate of each step of a training.
#[derive(Clone, Copy, Debug)]
pub struct StepSchedule {
    schedule: Schedule,
    /// Steps of an epoch.
    steps: usize,
    /// Steps of the warm-up.
    warmup: f64,
    /// Steps of the training.
    total: f64,
}

impl StepSchedule {
    /// The learning rate of step number `step` of `epoch`, both counted from 0.
    pub fn at(&self, epoch: usize, step: usize) -> f64 {
        let Schedule { start, decay, .. } = self.schedule;
        let done = (epoch * self.steps + step) as f64;
        let rate = match decay {
            Decay::Exponential { factor, epochs } => start * factor.powf(epoch as f64 / epochs),
            Decay::Cosine { factor } => {
                let part = ((done - self.warmup) / (self.total - self.warmup)).clamp(0.0, 1.0);
                let least = start * factor;
                least + 0.5 * (start - least) * (1.0 + (PI * part).cos())
            }
        };
        if done < self.warmup {
            rate * done / self.warmup
        } else {
            rate
        }
    }
}

/// Factors of the learning rate for parameter groups; that of the embedder is 1.
#[derive(Clone, Copy, Debug)]
pub struct LrFactors {
    /// Factor of the ResNet.
    pub backbone: f64,
    /// Factor of the head.
    pub head: f64,
    /// Layer-wise decay: the factor of a layer of the ResNet is multiplied by it for each layer behind it (Clark et al. 2020,
    /// *ELECTRA*, section 3.1; timm's `param_groups_layer_decay`), as [`layers_behind`] counts them. 1 is none.
    pub layer_decay: f64,
    /// `true` if the ResNet's classifier is one of the layers.
    pub classifier: bool,
}

impl LrFactors {
    /// The factor of the parameter called `name`.
    pub fn of(&self, name: &str) -> f64 {
        match ParameterGroup::of(name) {
            ParameterGroup::Backbone => {
                let n_behind = layers_behind(name, self.classifier);
                self.backbone * self.layer_decay.powi(n_behind)
            }
            ParameterGroup::Embedder => 1.0,
            ParameterGroup::Head => self.head,
        }
    }
}
