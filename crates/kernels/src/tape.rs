//! Gradients on the CPU without candle's autograd.
//!
//! candle adds the first gradient of each tensor to zeros, and keeps all activations until the last gradient is known: in a
//! ResNet, a sixth of a training step's time. A tape takes a first gradient as it is, adds later ones in place, and frees
//! activations on its way backward. Normalized activations that a convolution alone needs, for the gradient of its
//! weights, are recomputed.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use candle_core::{Result, Shape, Tensor, TensorId, bail};

use crate::backend::check_pool;
use crate::cpu::batch_norm::{self, Affine, GradientMask, mask_gradient};
use crate::cpu::conv;
use crate::cpu::elementwise::add;
use crate::cpu::pool::{self, PoolShape};
use crate::cpu::shape::ConvShape;
use crate::ops::slices::{tensor, with_slice};
use crate::{Backend, BatchStatistics, Normalization, Operations, ops};

/// The record of a forward pass on the CPU, for its gradients.
///
/// The operations are those of [`Backend::Cpu`] and record the operands of gradients. Gradients reach variables through operations
/// of the tape alone: an operand that another operation computed from variables is an error.
#[derive(Debug, Default)]
pub struct Tape(RefCell<Records>);

#[derive(Debug, Default)]
struct Records {
    list: Vec<Record>,
    /// Positions in the list, by output.
    #[expect(
        clippy::disallowed_types,
        reason = "ids of tensors have no order, and the map is never iterated over"
    )]
    outputs: std::collections::HashMap<TensorId, usize>,
}

/// An operation of which an operand has a gradient.
#[derive(Debug)]
struct Record {
    output: TensorId,
    operation: Operation,
}

#[derive(Debug)]
enum Operation {
    Convolution {
        x: Option<Target>,
        /// Of `x`, if the weight has a gradient.
        numbers: Option<Numbers>,
        weight: Operand,
        shape: ConvShape,
    },
    BatchNorm {
        x: Operand,
        gamma: Option<Target>,
        beta: Option<Target>,
        affine: Arc<Affine>,
        /// The moments are those of `x`.
        of_batch: bool,
        after: After,
    },
    MaxPool {
        x: Target,
        shape: PoolShape,
        taps: Vec<u8>,
    },
    AveragePool {
        x: Target,
        shape: PoolShape,
    },
}

/// Operations fused behind a normalization.
#[derive(Debug)]
enum After {
    Nothing,
    Relu,
    Sum {
        residual: Option<Target>,
        /// The output, if a ReLU follows the sum.
        relu: Option<Tensor>,
    },
}

/// A tensor that has a gradient.
#[derive(Debug)]
struct Target {
    id: TensorId,
    shape: Shape,
}

/// A tensor whose numbers the gradients of others need; contiguous.
#[derive(Debug)]
struct Operand {
    tensor: Tensor,
    target: Option<Target>,
}

/// The numbers of an operand.
#[derive(Debug)]
enum Numbers {
    Stored(Tensor),
    Recomputed(Recomputation),
}

impl Numbers {
    fn with<R>(&self, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
        match self {
            Self::Stored(tensor) => with_slice(tensor, f),
            Self::Recomputed(Recomputation { x, affine, relu }) => {
                let y = with_slice(x, |x| batch_norm::forward(x, affine, None, *relu))?;
                Ok(f(&y))
            }
        }
    }
}

/// Operands of activations that are normalized again when they are needed, with a ReLU or without.
#[derive(Debug)]
struct Recomputation {
    x: Tensor,
    affine: Arc<Affine>,
    relu: bool,
}

impl Operand {
    fn numbers<R>(&self, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
        with_slice(&self.tensor, f)
    }
}

impl Operations for Tape {
    fn conv2d(&self, x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
        let shape = ConvShape::new(x.dims(), weight.dims(), stride, padding)?;
        let target = self.target(x)?;
        let weight = self.operand(weight)?;
        let y = ops::conv::conv2d(x, &weight.tensor, &shape)?;
        if target.is_some() || weight.target.is_some() {
            let numbers = weight.target.is_some().then(|| self.numbers(x));
            let operation = Operation::Convolution {
                x: target,
                numbers: numbers.transpose()?,
                weight,
                shape,
            };
            self.record(&y, operation);
        }
        Ok(y)
    }

    fn batch_norm_train(
        &self,
        x: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        epsilon: f64,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<(Tensor, BatchStatistics)> {
        Backend::Cpu.check_batch_norm(x.dims(), x.dtype(), &[gamma, beta], residual)?;
        let (affine, statistics) = ops::batch_norm::affine_of_batch(x, gamma, beta, epsilon)?;
        let y = self.normalize(x, [gamma, beta], affine, true, residual, relu)?;
        Ok((y, statistics))
    }

    fn batch_norm_eval(
        &self,
        x: &Tensor,
        norm: &Normalization<'_>,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<Tensor> {
        Backend::Cpu.check_batch_norm(x.dims(), x.dtype(), &norm.tensors(), residual)?;
        let affine = ops::batch_norm::affine(norm)?;
        self.normalize(x, [norm.gamma, norm.beta], affine, false, residual, relu)
    }

    fn max_pool(&self, x: &Tensor) -> Result<Tensor> {
        check_pool(x)?;
        let shape = ops::pool::shape(x)?;
        let target = self.target(x)?;
        let (y, taps) = ops::pool::max_pool(x, &shape)?;
        if let Some(x) = target {
            self.record(&y, Operation::MaxPool { x, shape, taps });
        }
        Ok(y)
    }

    fn average_pool(&self, x: &Tensor) -> Result<Tensor> {
        check_pool(x)?;
        let shape = ops::pool::shape(x)?;
        let target = self.target(x)?;
        let y = ops::pool::average_pool(x, &shape)?;
        if let Some(x) = target {
            self.record(&y, Operation::AveragePool { x, shape });
        }
        Ok(y)
    }
}

impl Tape {
    /// A tape without records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The gradients of all variables, given that of `output`, the output of an operation of the tape. There are none if
    /// no variable has led to it.
    ///
    /// # Errors
    /// The shapes of `output` and `gradient` differ. Or the output of another operation has no gradient: something else
    /// than the tape used it, or nothing.
    pub fn backward(
        self,
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<impl Iterator<Item = Result<(TensorId, Tensor)>> + use<>> {
        if gradient.shape() != output.shape() {
            bail!(
                "backward: output {:?} and gradient {:?} differ in shape",
                output.shape(),
                gradient.shape()
            );
        }
        let Records { list, outputs } = self.0.into_inner();
        let mut gradients = Gradients::default();
        if outputs.contains_key(&output.id()) {
            let gradient = with_slice(&gradient.contiguous()?, <[f32]>::to_vec)?;
            gradients.add(Some(Target::of(output)), gradient);
        }
        for Record { output, operation } in list.into_iter().rev() {
            let Some(gradient) = gradients.0.remove(&output) else {
                bail!(
                    "backward: the output of {} has no gradient; no operation of the tape used it",
                    operation.name()
                );
            };
            operation.backward(gradient.numbers, &mut gradients)?;
        }
        let variables = gradients.0.into_iter();
        Ok(variables.map(|(id, of)| Ok((id, tensor(of.numbers, of.shape)?))))
    }

    fn normalize(
        &self,
        x: &Tensor,
        parameters: [&Tensor; 2],
        affine: Affine,
        of_batch: bool,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<Tensor> {
        let (x, affine) = (self.operand(x)?, Arc::new(affine));
        let of_residual = residual.map(|residual| self.target(residual));
        let of_residual = of_residual.transpose()?.flatten();
        let [gamma, beta] = parameters.map(|tensor| self.target(tensor));
        let (gamma, beta) = (gamma?, beta?);
        let y = ops::batch_norm::normalize(&x.tensor, &affine, parameters, residual, relu)?;
        let targets = [&x.target, &gamma, &beta, &of_residual];
        if targets.into_iter().any(Option::is_some) {
            let after = match (residual, relu) {
                (None, false) => After::Nothing,
                (None, true) => After::Relu,
                (Some(_), relu) => After::Sum {
                    residual: of_residual,
                    relu: relu.then(|| y.clone()),
                },
            };
            let operation = Operation::BatchNorm {
                x,
                gamma,
                beta,
                affine,
                of_batch,
                after,
            };
            self.record(&y, operation);
        }
        Ok(y)
    }

    fn operand(&self, tensor: &Tensor) -> Result<Operand> {
        Ok(Operand {
            target: self.target(tensor)?,
            tensor: tensor.contiguous()?,
        })
    }

    /// The numbers of a tensor: recomputed if it is the output of a normalization without residual.
    fn numbers(&self, tensor: &Tensor) -> Result<Numbers> {
        let records = self.0.borrow();
        let position = records.outputs.get(&tensor.id());
        match position.map(|&position| &records.list[position].operation) {
            Some(Operation::BatchNorm {
                x,
                affine,
                after: after @ (After::Nothing | After::Relu),
                ..
            }) => Ok(Numbers::Recomputed(Recomputation {
                x: x.tensor.clone(),
                affine: Arc::clone(affine),
                relu: matches!(after, After::Relu),
            })),
            _ => Ok(Numbers::Stored(tensor.contiguous()?)),
        }
    }

    /// The tensor as a target, if it is a variable or an output of the tape.
    fn target(&self, tensor: &Tensor) -> Result<Option<Target>> {
        if tensor.is_variable() || self.0.borrow().outputs.contains_key(&tensor.id()) {
            return Ok(Some(Target::of(tensor)));
        }
        if tensor.track_op() {
            bail!(
                "an operand {:?} is computed from variables, but not on this tape, which has no gradient of it",
                tensor.shape()
            );
        }
        Ok(None)
    }

    fn record(&self, output: &Tensor, operation: Operation) {
        let mut records = self.0.borrow_mut();
        let position = records.list.len();
        records.outputs.insert(output.id(), position);
        records.list.push(Record {
            output: output.id(),
            operation,
        });
    }
}

impl Target {
    fn of(tensor: &Tensor) -> Self {
        Self {
            id: tensor.id(),
            shape: tensor.shape().clone(),
        }
    }
}

/// The gradient of a target.
struct Gradient {
    numbers: Vec<f32>,
    shape: Shape,
}

/// The gradients that are known.
#[derive(Default)]
#[expect(
    clippy::disallowed_types,
    reason = "ids of tensors have no order, and the gradients go into candle's map"
)]
struct Gradients(std::collections::HashMap<TensorId, Gradient>);

impl Gradients {
    /// Adds a term to the gradient of `target`, if it has one.
    fn add(&mut self, target: Option<Target>, numbers: Vec<f32>) {
        let Some(Target { id, shape }) = target else {
            return;
        };
        match self.0.entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(Gradient { numbers, shape });
            }
            Entry::Occupied(mut entry) => add(&mut entry.get_mut().numbers, &numbers),
        }
    }
}

impl Operation {
    fn name(&self) -> &'static str {
        match self {
            Self::Convolution { .. } => "conv2d",
            Self::BatchNorm { .. } => "batch-norm",
            Self::MaxPool { .. } => "max-pool",
            Self::AveragePool { .. } => "average-pool",
        }
    }

    /// Adds the gradients of the operands, given that of the output.
    fn backward(self, mut dy: Vec<f32>, gradients: &mut Gradients) -> Result<()> {
        match self {
            Self::Convolution {
                x,
                numbers,
                weight,
                shape,
            } => {
                if let Some(numbers) = numbers {
                    let dw = numbers.with(|x| conv::weight_gradient(x, &dy, &shape))?;
                    gradients.add(weight.target, dw);
                }
                if x.is_some() {
                    let w = weight.tensor;
                    let dx = with_slice(&w, |w| conv::input_gradient(&dy, w, &shape))?;
                    gradients.add(x, dx);
                }
            }
            Self::BatchNorm {
                x,
                gamma,
                beta,
                affine,
                of_batch,
                after,
            } => {
                if let After::Sum { relu: Some(y), .. } = &after {
                    with_slice(y, |y| mask_gradient(&mut dy, y))?;
                }
                let mask = match after {
                    After::Relu => GradientMask::Positive,
                    After::Nothing | After::Sum { .. } => GradientMask::All,
                };
                let of = x.numbers(|x| batch_norm::backward(x, &dy, &affine, mask, of_batch))?;
                gradients.add(x.target, of.x);
                gradients.add(gamma, of.gamma);
                gradients.add(beta, of.beta);
                // The ReLU's input is a sum, so its gradient is also the residual's.
                if let After::Sum { residual, .. } = after {
                    gradients.add(residual, dy);
                }
            }
            Self::MaxPool { x, shape, taps } => {
                gradients.add(Some(x), pool::backward(&dy, &taps, &shape));
            }
            Self::AveragePool { x, shape } => {
                gradients.add(Some(x), pool::average_backward(&dy, &shape));
            }
        }
        Ok(())
    }
}
