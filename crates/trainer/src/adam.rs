//! The optimizers Adam and AdamW, with a state that can be saved.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};
use kernels::{AdamStep, AdamUpdate, FlatMoments, WeightDecay, adam_step};

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
    is_flat: bool,
    /// The moments of the trained parameters, after a flat step; None where those by name are to be concatenated.
    flat: Option<FlatMoments>,
}

struct Moments {
    name: String,
    parameter: Var,
    lr_factor: f64,
    weight_decay: WeightDecay,
    is_trained: bool,
    /// First and second: variables, or views after a flat step.
    moments: [Tensor; 2],
}

impl Adam {
    /// An optimizer of `parameters`, its moments 0.
    ///
    /// # Errors
    /// The device fails.
    pub fn new(parameters: Vec<(String, Var)>, weight_decay: f64) -> Result<Self, TrainError> {
        let parameters: Vec<Moments> = parameters
            .into_iter()
            .map(|(name, parameter)| {
                Ok(Moments {
                    name,
                    lr_factor: 1.0,
                    weight_decay: WeightDecay::Penalty(weight_decay),
                    is_trained: true,
                    moments: [zeros(&parameter)?, zeros(&parameter)?],
                    parameter,
                })
            })
            .collect::<Result<_, TrainError>>()?;
        let is_on_gpu = |of: &Moments| !of.parameter.device().is_cpu();
        Ok(Self {
            weight_decay,
            clip_norm: 0.0,
            steps: 0,
            is_flat: parameters.first().is_some_and(is_on_gpu),
            parameters,
            flat: None,
        })
    }

    /// The same with steps on all parameters at once, by [`FlatMoments`], as on a GPU. The state by name is the same, and
    /// steps agree within rounding.
    #[must_use]
    pub fn flat(self) -> Self {
        Self {
            is_flat: true,
            ..self
        }
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
        self.flat = None;
        for moments in &mut self.parameters {
            moments.is_trained = is_trained(&moments.name);
        }
    }

    /// Starts anew: moments are 0, and no step is made.
    ///
    /// # Errors
    /// The device fails.
    pub fn reset(&mut self) -> Result<(), TrainError> {
        for of in &mut self.parameters {
            of.moments = [zeros(&of.parameter)?, zeros(&of.parameter)?];
        }
        self.flat = None;
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
        for moments in self.parameters.iter_mut().filter(|of| of.is_trained) {
            let gradient = gradients
                .get(&moments.parameter)
                .ok_or_else(|| TrainError::NoGradient(moments.name.clone()))?;
            trained.push((moments, gradient));
        }
        let scale = scale(
            self.clip_norm,
            trained.iter().map(|&(_, gradient)| gradient),
        )?;
        let numbers = |moments: &Moments| AdamStep {
            learning_rate: learning_rate * moments.lr_factor,
            beta1: BETA1,
            beta2: BETA2,
            epsilon: EPSILON,
            weight_decay: moments.weight_decay,
            step: self.steps,
        };
        if self.is_flat {
            flat_step(&mut self.flat, trained, numbers, scale.as_ref())
        } else {
            step_by_parameter(trained, numbers, scale.as_ref())
        }
    }

    /// Number of steps so far.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The moments by name, in the memory that the next step may change.
    pub fn state(&self) -> BTreeMap<String, Tensor> {
        let named = self.parameters.iter().flat_map(|of| {
            let [first, second] = of.moments.clone();
            let [of_first, of_second] = of.names();
            [(of_first, first), (of_second, second)]
        });
        named.collect()
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
        for of in &mut self.parameters {
            for (name, moment) in of.names().into_iter().zip(&mut of.moments) {
                let saved = state
                    .get(&name)
                    .ok_or_else(|| TrainError::NoMoment(name.clone()))?;
                // The variable itself, or a copy of a view.
                let variable = Var::from_tensor(moment)?;
                variable.set(&saved.to_device(variable.device())?)?;
                *moment = variable.into_inner();
            }
        }
        self.flat = None;
        self.steps = steps;
        Ok(())
    }
}

impl Moments {
    /// Names of the first and second moment.
    fn names(&self) -> [String; 2] {
        ["first", "second"].map(|moment| format!("{moment}_moment.{}", self.name))
    }

    /// Key of the parameters with equal learning rate and decay.
    fn group(&self) -> (u64, bool, u64) {
        let (is_decoupled, decay) = match self.weight_decay {
            WeightDecay::Penalty(factor) => (false, factor),
            WeightDecay::Decoupled(factor) => (true, factor),
        };
        (self.lr_factor.to_bits(), is_decoupled, decay.to_bits())
    }
}

/// A trained parameter with its moments, and its gradient.
type Trained<'a> = (&'a mut Moments, &'a Tensor);

/// A step on all parameters at once. `flat` has their moments, if the last step was on the same parameters.
fn flat_step(
    flat: &mut Option<FlatMoments>,
    mut trained: Vec<Trained<'_>>,
    numbers: impl Fn(&Moments) -> AdamStep,
    scale: Option<&Tensor>,
) -> Result<(), TrainError> {
    trained.sort_by_key(|(moments, _)| moments.group());
    let mut moments = match flat.take() {
        Some(moments) => moments,
        None => {
            let moments = trained.iter().map(|(of, _)| of.moments.clone());
            FlatMoments::new(&moments.collect::<Vec<_>>())?
        }
    };
    let updates: Vec<AdamUpdate<'_>> = { trained.iter() }
        .map(|(of, gradient)| (&of.parameter, *gradient, numbers(of)))
        .collect();
    moments.step(&updates, scale)?;
    for ((of, _), views) in trained.into_iter().zip(moments.views()?) {
        of.moments = views;
    }
    *flat = Some(moments);
    Ok(())
}

/// A step on one parameter after the other, in place.
fn step_by_parameter(
    trained: Vec<Trained<'_>>,
    numbers: impl Fn(&Moments) -> AdamStep,
    scale: Option<&Tensor>,
) -> Result<(), TrainError> {
    for (of, gradient) in trained {
        let scaled = scale
            .map(|scale| gradient.broadcast_mul(scale))
            .transpose()?;
        let [first, second] = &of.moments;
        adam_step(
            &of.parameter,
            scaled.as_ref().unwrap_or(gradient),
            &Var::from_tensor(first)?,
            &Var::from_tensor(second)?,
            &numbers(of),
        )?;
    }
    Ok(())
}

/// The factor of all gradients that clips their norm, `min(1, clip_norm / (norm + 1e-6))`: a scalar that stays on the
/// device, so that no step waits for it. None without a limit.
fn scale<'a>(
    clip_norm: f64,
    gradients: impl Iterator<Item = &'a Tensor>,
) -> Result<Option<Tensor>, TrainError> {
    if clip_norm <= 0.0 {
        return Ok(None);
    }
    let squares = gradients
        .map(|gradient| gradient.detach().sqr()?.sum_all())
        .collect::<Result<Vec<_>, _>>()?;
    let norm = Tensor::stack(&squares, 0)?.sum_all()?.sqrt()?;
    let factor = ((norm + 1e-6)?.recip()? * clip_norm)?;
    Ok(Some(factor.minimum(1.0)?))
}

fn zeros(parameter: &Var) -> Result<Tensor, TrainError> {
    Ok(Var::from_tensor(&parameter.zeros_like()?)?.into_inner())
}
