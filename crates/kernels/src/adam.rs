//! The Adam optimizer, in place.

use candle_core::{Result, Tensor, Var, bail};

use crate::{
    cpu::adam::{Factors, update},
    ops::slices::{with_mut, with_slice},
};

/// The numbers of one step of Adam: Kingma and Ba (2015), "Adam", algorithm 1.
///
/// Conventions are those of `torch.optim.Adam` and `torch.optim.AdamW`: ε is added to the square root of the corrected
/// second moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Learning rate, ≥ 0.
    pub learning_rate: f64,
    /// Decay of the first moment, in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the second moment, in `[0, 1)`.
    pub beta2: f64,
    /// Added to the denominator, > 0.
    pub epsilon: f64,
    /// Weight decay.
    pub weight_decay: WeightDecay,
    /// Number of this step, from 1 on.
    pub step: usize,
}

/// Weight decay of a step; a factor of 0 is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WeightDecay {
    /// An L2 penalty: the parameter times this factor, ≥ 0, is added to its gradient (`torch.optim.Adam`).
    Penalty(f64),
    /// Decoupled decay: the parameter falls by the learning rate times this factor, ≥ 0, of itself before the step, and the
    /// decay doesn't enter the moments (Loshchilov and Hutter (2019), "Decoupled weight decay regularization", algorithm 2,
    /// in the form of `torch.optim.AdamW`).
    Decoupled(f64),
}

impl AdamStep {
    /// Factor of the penalty.
    pub(crate) fn penalty(&self) -> f64 {
        match self.weight_decay {
            WeightDecay::Penalty(factor) => factor,
            WeightDecay::Decoupled(_) => 0.0,
        }
    }

    /// Remaining share of the parameter after decoupled decay: 1 without any.
    fn kept(&self) -> f64 {
        match self.weight_decay {
            WeightDecay::Penalty(_) => 1.0,
            WeightDecay::Decoupled(factor) => 1.0 - self.learning_rate * factor,
        }
    }
}

/// Updates `parameter` and the moments of its gradient, `first` and `second`, in place.
///
/// All four are contiguous `f32` of one shape, on one device; the moments begin as zeros.
///
/// # Errors
/// Shapes, types or devices differ, a tensor is not contiguous, or `step` is 0.
pub fn adam_step(
    parameter: &Var,
    gradient: &Tensor,
    first: &Var,
    second: &Var,
    step: &AdamStep,
) -> Result<()> {
    let shapes = [
        parameter.shape(),
        gradient.shape(),
        first.shape(),
        second.shape(),
    ];
    if shapes.iter().any(|&shape| shape != shapes[0]) {
        bail!(
            "adam: parameter {:?}, gradient {:?} and moments {:?}, {:?} differ in shape",
            shapes[0],
            shapes[1],
            shapes[2],
            shapes[3]
        );
    }
    if step.step == 0 {
        bail!("adam: steps are counted from 1, found 0");
    }
    if parameter.device().is_cpu() {
        cpu_step(parameter, gradient, first, second, step)
    } else {
        reference_step(parameter, gradient, first, second, step)
    }
}

/// `1 − βᵗ`
fn correction(beta: f64, step: usize) -> f64 {
    1.0 - beta.powf(step as f64)
}

#[expect(clippy::cast_possible_truncation, reason = "parameters are f32")]
fn cpu_step(
    parameter: &Var,
    gradient: &Tensor,
    first: &Var,
    second: &Var,
    step: &AdamStep,
) -> Result<()> {
    let factors = Factors {
        beta1: step.beta1 as f32,
        one_minus_beta1: (1.0 - step.beta1) as f32,
        beta2: step.beta2 as f32,
        one_minus_beta2: (1.0 - step.beta2) as f32,
        step_size: (step.learning_rate / correction(step.beta1, step.step)) as f32,
        inverse_correction: correction(step.beta2, step.step).sqrt().recip() as f32,
        epsilon: step.epsilon as f32,
        penalty: step.penalty() as f32,
        kept: step.kept() as f32,
    };
    let gradient = gradient.contiguous()?;
    with_slice(&gradient, |gradient| {
        with_mut(parameter, |parameter| {
            with_mut(first, |first| {
                with_mut(second, |second| {
                    update(parameter, gradient, first, second, factors);
                    Ok(())
                })
            })
        })
    })?
}

pub(crate) fn reference_step(
    parameter: &Var,
    gradient: &Tensor,
    first: &Var,
    second: &Var,
    step: &AdamStep,
) -> Result<()> {
    let value = parameter.as_detached_tensor();
    let gradient = step.penalized(&gradient.detach(), &value)?;
    let moments = [first.as_detached_tensor(), second.as_detached_tensor()];
    let [new_first, new_second] = step.moments(&gradient, &moments)?;
    let ratio = step.ratio(&new_first, &new_second)?;
    parameter.set(&step.moved(&value, &ratio)?)?;
    first.set(&new_first)?;
    second.set(&new_second)
}

/// A step by candle's operations, on any device. The number of operations is that of the launches on a GPU.
impl AdamStep {
    /// The gradient with the penalty's; two operations, or none without a penalty.
    pub(crate) fn penalized(&self, gradient: &Tensor, value: &Tensor) -> Result<Tensor> {
        match self.penalty() {
            0.0 => Ok(gradient.clone()),
            factor => gradient + (value * factor)?,
        }
    }

    /// The moments after the step; seven operations.
    pub(crate) fn moments(&self, gradient: &Tensor, moments: &[Tensor; 2]) -> Result<[Tensor; 2]> {
        let [first, second] = moments;
        Ok([
            ((first * self.beta1)? + (gradient * (1.0 - self.beta1))?)?,
            ((second * self.beta2)? + (gradient.sqr()? * (1.0 - self.beta2))?)?,
        ])
    }

    /// The first moment divided by the root of the corrected second; three operations.
    pub(crate) fn ratio(&self, first: &Tensor, second: &Tensor) -> Result<Tensor> {
        let inverse_correction = correction(self.beta2, self.step).sqrt().recip();
        first / second.sqrt()?.affine(inverse_correction, self.epsilon)?
    }

    /// The parameter after the step; two operations, and one more with decoupled decay.
    pub(crate) fn moved(&self, value: &Tensor, ratio: &Tensor) -> Result<Tensor> {
        let change = (ratio * (self.learning_rate / correction(self.beta1, self.step)))?;
        match self.kept() {
            1.0 => value - change,
            kept => (value * kept)? - change,
        }
    }
}
