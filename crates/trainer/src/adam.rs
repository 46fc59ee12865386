//! The Adam optimizer, with a state that can be saved.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};
use kernels::{AdamStep, adam_step};

use crate::TrainError;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Adam (Kingma & Ba, 2015, algorithm 1) with PyTorch's defaults β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and its `weight_decay`:
/// an L2 term added to the gradient, not AdamW's.
pub struct Adam {
    weight_decay: f64,
    steps: usize,
    parameters: Vec<Moments>,
}

struct Moments {
    name: String,
    parameter: Var,
    lr_factor: f64,
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
                    first: Var::from_tensor(&parameter.zeros_like()?)?,
                    second: Var::from_tensor(&parameter.zeros_like()?)?,
                    parameter,
                })
            })
            .collect::<Result<_, TrainError>>()?;
        Ok(Self {
            weight_decay,
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

    /// Updates each parameter by its gradient.
    ///
    /// # Errors
    /// A parameter has no gradient, or the device fails.
    pub fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<(), TrainError> {
        self.steps += 1;
        let step = |lr_factor: f64| AdamStep {
            learning_rate: learning_rate * lr_factor,
            beta1: BETA1,
            beta2: BETA2,
            epsilon: EPSILON,
            weight_decay: self.weight_decay,
            step: self.steps,
        };
        for moments in &self.parameters {
            let gradient = gradients
                .get(&moments.parameter)
                .ok_or_else(|| TrainError::NoGradient(moments.name.clone()))?;
            adam_step(
                &moments.parameter,
                gradient,
                &moments.first,
                &moments.second,
                &step(moments.lr_factor),
            )?;
        }
        Ok(())
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
