//! The optimizers Adam and AdamW, with a state that can be saved.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};
use kernels::{AdamStep, WeightDecay, adam_step};

use crate::TrainError;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Adam (Kingma & Ba, 2015, algorithm 1) with PyTorch's defaults β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and its `weight_decay`:
/// an L2 term added to the gradient. [`Adam::decoupled`] is AdamW.
pub struct Adam {
    weight_decay: f64,
    clip_norm: f64,
    steps: usize,
    parameters: Vec<Moments>,
}

struct Moments {
    name: String,
    parameter: Var,
    lr_factor: f64,
    weight_decay: WeightDecay,
    is_trained: bool,
    first: Var,
    second: Var,
}

impl Adam {
    /// An optimizer of `parameters`, its moments 0.
    ///
    /// # Errors
    /// The device fails.
    pub fn new(parameters: Vec<(String, Var)>, weight_decay: f64) -> Result<Self, TrainError> {
        let parameters = parameters
            .into_iter()
            .map(|(name, parameter)| {
                Ok(Moments {
                    name,
                    lr_factor: 1.0,
                    weight_decay: WeightDecay::Penalty(weight_decay),
                    is_trained: true,
                    first: Var::from_tensor(&parameter.zeros_like()?)?,
                    second: Var::from_tensor(&parameter.zeros_like()?)?,
                    parameter,
                })
            })
            .collect::<Result<_, TrainError>>()?;
        Ok(Self {
            weight_decay,
            clip_norm: 0.0,
            steps: 0,
            parameters,
        })
    }

    /// The same with a factor of the learning rate for each parameter, by its name.
    #[must_use]
    pub fn with_lr_factors(mut self, factor: impl Fn(&str) -> f64) -> Self {
        for moments in &mut self.parameters {
            moments.lr_factor = factor(&moments.name);
        }
        self
    }

    /// The same with the decoupled weight decay of AdamW (Loshchilov & Hutter 2019, *Decoupled Weight Decay
    /// Regularization*; PyTorch's `AdamW`). Parameters of one dimension, which are biases and the scales and shifts of
    /// batch-norms, have none, as by timm's `param_groups_weight_decay`.
    #[must_use]
    pub fn decoupled(mut self) -> Self {
        for moments in &mut self.parameters {
            let is_decayed = moments.parameter.rank() > 1;
            let factor = if is_decayed { self.weight_decay } else { 0.0 };
            moments.weight_decay = WeightDecay::Decoupled(factor);
        }
        self
    }

    /// The same with a largest norm of all gradients together, to which larger ones are scaled down before a step
    /// (PyTorch's `clip_grad_norm_`); 0 for no limit.
    #[must_use]
    pub fn with_clip_norm(self, clip_norm: f64) -> Self {
        Self { clip_norm, ..self }
    }

    /// Only parameters whose names `is_trained` are changed by the next steps, and need a gradient.
    pub fn train_only(&mut self, is_trained: impl Fn(&str) -> bool) {
        for moments in &mut self.parameters {
            moments.is_trained = is_trained(&moments.name);
        }
    }

    /// Starts anew: moments are 0, and no step is made.
    ///
    /// # Errors
    /// The device fails.
    pub fn reset(&mut self) -> Result<(), TrainError> {
        for (_, moment) in self.named() {
            moment.set(&moment.as_detached_tensor().zeros_like()?)?;
        }
        self.steps = 0;
        Ok(())
    }

    /// Updates each trained parameter by its gradient.
    ///
    /// # Errors
    /// A parameter has no gradient, or the device fails.
    pub fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<(), TrainError> {
        self.steps += 1;
        let mut trained = Vec::new();
        for moments in self.parameters.iter().filter(|moments| moments.is_trained) {
            let gradient = gradients
                .get(&moments.parameter)
                .ok_or_else(|| TrainError::NoGradient(moments.name.clone()))?;
            trained.push((moments, gradient));
        }
        let scale = self.scale(trained.iter().map(|&(_, gradient)| gradient))?;
        for (moments, gradient) in trained {
            let scaled = scale.as_ref().map(|scale| gradient.broadcast_mul(scale));
            let scaled = scaled.transpose()?;
            adam_step(
                &moments.parameter,
                scaled.as_ref().unwrap_or(gradient),
                &moments.first,
                &moments.second,
                &AdamStep {
                    learning_rate: learning_rate * moments.lr_factor,
                    beta1: BETA1,
                    beta2: BETA2,
                    epsilon: EPSILON,
                    weight_decay: moments.weight_decay,
                    step: self.steps,
                },
            )?;
        }
        Ok(())
    }

    /// The factor of all gradients that clips their norm, `min(1, clip_norm / (norm + 1e-6))`: a scalar that stays on the
    /// device, so that no step waits for it. None without a limit.
    fn scale<'a>(
        &self,
        gradients: impl Iterator<Item = &'a Tensor>,
    ) -> Result<Option<Tensor>, TrainError> {
        if self.clip_norm <= 0.0 {
            return Ok(None);
        }
        let squares = gradients
            .map(|gradient| gradient.detach().sqr()?.sum_all())
            .collect::<Result<Vec<_>, _>>()?;
        let norm = Tensor::stack(&squares, 0)?.sum_all()?.sqrt()?;
        let factor = ((norm + 1e-6)?.recip()? * self.clip_norm)?;
        Ok(Some(factor.minimum(1.0)?))
    }

    /// Number of steps so far.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The moments by name, in the memory that the next step changes.
    pub fn state(&self) -> BTreeMap<String, Tensor> {
        self.named()
            .map(|(name, moment)| (name, moment.as_tensor().clone()))
            .collect()
    }

    /// Continues from the moments of [`Self::state`] after `steps` steps.
    ///
    /// The moments may be on another device than the parameters.
    ///
    /// # Errors
    /// A moment is missing or of another shape, or the device fails.
    pub fn set_state(
        &mut self,
        state: &BTreeMap<String, Tensor>,
        steps: usize,
    ) -> Result<(), TrainError> {
        for (name, moment) in self.named() {
            let saved = state
                .get(&name)
                .ok_or_else(|| TrainError::NoMoment(name.clone()))?;
            moment.set(&saved.to_device(moment.device())?)?;
        }
        self.steps = steps;
        Ok(())
    }

    fn named(&self) -> impl Iterator<Item = (String, &Var)> {
        self.parameters.iter().flat_map(|moments| {
            [
                (format!("first_moment.{}", moments.name), &moments.first),
                (format!("second_moment.{}", moments.name), &moments.second),
            ]
        })
    }
}
