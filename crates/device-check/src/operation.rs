//! The operations of training, as data.
//!
//! Two are missing, as no device computes them: softmax of predictions and means over the views of an evaluation are of
//! the host. The log-softmax is part of the cross-entropy.
//!
//! Letters in shapes: `B` images, `C` channels, `H` and `W` height and width, `O` outputs, `S` side of a kernel.

use std::fmt;

use candle_core::{Result, Tensor, Var};
use kernels::{AdamStep, Normalization, Operations, WeightDecay, adam_step, lerp};
use trainer::{CrossEntropy, TrainError};

use crate::fixture;
use crate::side::Layout;

/// ε of batch normalization, as in the network.
const EPSILON: f64 = 1e-5;

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Convolution by kernels of `side` × `side`.
    Convolution {
        /// Side of the kernel.
        side: usize,
        /// Stride in both directions.
        stride: usize,
    },
    /// Batch normalization by the moments of the batch.
    BatchNormTrain(Fusion),
    /// Batch normalization by running moments, as of frozen ones.
    BatchNormEval(Fusion),
    /// Maxima of 3×3 windows.
    MaxPool,
    /// Means over the pixels.
    AveragePool,
    /// The rectifier, where no batch normalization has it.
    Relu,
    /// Linear layer with bias.
    Linear,
    /// Cross-entropy with class weights and label smoothing.
    CrossEntropy,
    /// Step of Adam, whose weight decay is an L2 penalty.
    Adam,
    /// Step of AdamW, whose weight decay is decoupled.
    AdamW,
    /// Linear interpolation, of the average of the weights.
    Interpolation,
}

/// Operations in the same pass as batch normalization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fusion {
    /// None.
    Nothing,
    /// A ReLU.
    Relu,
    /// The sum with a residual and a ReLU.
    ResidualRelu,
}

/// An operation at a size.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// The operation.
    pub kind: Kind,
    /// Shape of its first argument; of activations, `[B, C, H, W]`.
    pub shape: &'static [usize],
    /// `O`, where it isn't `C`.
    pub n_outputs: usize,
}

/// All operations, at sizes of a ResNet on small images.
#[must_use]
pub fn operations() -> Vec<Operation> {
    const ACTIVATIONS: &[usize] = &[4, 64, 28, 28];
    let of = |kind, shape, n_outputs| Operation {
        kind,
        shape,
        n_outputs,
    };
    let convolution = |side, stride, shape, n_outputs| {
        let kind = Kind::Convolution { side, stride };
        of(kind, shape, n_outputs)
    };
    vec![
        convolution(7, 2, &[4, 3, 112, 112], 64),
        convolution(3, 1, ACTIVATIONS, 64),
        convolution(3, 2, ACTIVATIONS, 128),
        convolution(1, 1, ACTIVATIONS, 256),
        convolution(1, 2, ACTIVATIONS, 128),
        of(Kind::BatchNormTrain(Fusion::Nothing), ACTIVATIONS, 64),
        of(Kind::BatchNormTrain(Fusion::Relu), ACTIVATIONS, 64),
        of(Kind::BatchNormTrain(Fusion::ResidualRelu), ACTIVATIONS, 64),
        of(Kind::BatchNormEval(Fusion::Nothing), ACTIVATIONS, 64),
        of(Kind::BatchNormEval(Fusion::ResidualRelu), ACTIVATIONS, 64),
        of(Kind::MaxPool, &[4, 64, 56, 56], 64),
        of(Kind::AveragePool, &[32, 512, 7, 7], 512),
        of(Kind::Relu, &[32, 4096], 4096),
        of(Kind::Linear, &[32, 512], 1000),
        of(Kind::CrossEntropy, &[32, 8], 1),
        of(Kind::Adam, &[128, 128, 3, 3], 128),
        of(Kind::AdamW, &[128, 128, 3, 3], 128),
        of(Kind::Interpolation, &[128, 128, 3, 3], 128),
    ]
}

/// An argument of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    /// Of activations, `[B, C, H, W]`.
    pub(crate) shape: Vec<usize>,
    pub(crate) layout: Layout,
    pub(crate) values: Values,
    /// True if training needs its gradient.
    pub(crate) has_gradient: bool,
}

/// Values of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// In `[−1, 1]`.
    Signed,
    /// In `[0.1, 1.1]`.
    Positive,
}

impl Argument {
    fn activations(name: &'static str, shape: &[usize]) -> Self {
        Self {
            layout: Layout::Activations,
            ..Self::plain(name, shape)
        }
    }

    fn plain(name: &'static str, shape: &[usize]) -> Self {
        Self {
            name,
            shape: shape.to_vec(),
            layout: Layout::Plain,
            values: Values::Signed,
            has_gradient: true,
        }
    }

    fn positive(self) -> Self {
        Self {
            values: Values::Positive,
            ..self
        }
    }

    fn constant(self) -> Self {
        Self {
            has_gradient: false,
            ..self
        }
    }

    /// The values, others for another `seed`.
    pub(crate) fn numbers(&self, seed: f64) -> Vec<f32> {
        let numbers = fixture::numbers(self.shape.iter().product(), seed);
        match self.values {
            Values::Signed => numbers,
            Values::Positive => numbers.iter().map(|x| 0.1 + x * x).collect(),
        }
    }
}

impl Operation {
    /// Largest relative error of a sound result.
    ///
    /// Single precision accounts for 1e-7 to 1e-5 in sums of up to some thousand products, and a wrong operation for more
    /// than a tenth. A ReLU behind arithmetic has more: rounding may move a value over 0, whose gradient is then passed on
    /// one side alone, and one of 200,000 is 2e-3 of the whole. Reduced precision of products, as TF32, has some 5e-4,
    /// which is not expected.
    #[must_use]
    pub fn tolerance(&self) -> f64 {
        match self.kind {
            Kind::BatchNormTrain(Fusion::Relu | Fusion::ResidualRelu)
            | Kind::BatchNormEval(Fusion::Relu | Fusion::ResidualRelu) => 1e-2,
            Kind::Convolution { .. }
            | Kind::BatchNormTrain(Fusion::Nothing)
            | Kind::BatchNormEval(Fusion::Nothing)
            | Kind::Linear
            | Kind::CrossEntropy => 1e-4,
            Kind::MaxPool
            | Kind::AveragePool
            | Kind::Relu
            | Kind::Adam
            | Kind::AdamW
            | Kind::Interpolation => 1e-5,
        }
    }

    /// Its size as text: `4×64×28×28 → 128`.
    #[must_use]
    pub fn size(&self) -> String {
        let dims: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let shape = dims.join("×");
        match self.kind {
            Kind::Convolution { .. } | Kind::Linear => format!("{shape} → {}", self.n_outputs),
            _ => shape,
        }
    }

    /// Its arguments, in the order in which [`Operation::apply`] and [`Operation::update`] take them.
    pub(crate) fn arguments(&self) -> Vec<Argument> {
        let (plain, shape) = (Argument::plain, self.shape);
        let channels = shape.get(1..2).unwrap_or_default();
        match self.kind {
            Kind::Convolution { side, .. } => {
                let x = Argument::activations("input", shape);
                let weight = plain("weight", &[self.n_outputs, channels[0], side, side]);
                // The first convolution's input is the images.
                let is_first = channels == [3];
                vec![if is_first { x.constant() } else { x }, weight]
            }
            Kind::BatchNormTrain(fusion) | Kind::BatchNormEval(fusion) => {
                let mut arguments = vec![
                    Argument::activations("input", shape),
                    plain("gamma", channels),
                    plain("beta", channels),
                    plain("mean", channels).constant(),
                    plain("variance", channels).positive().constant(),
                ];
                if fusion == Fusion::ResidualRelu {
                    arguments.push(Argument::activations("residual", shape));
                }
                arguments
            }
            Kind::MaxPool | Kind::AveragePool => vec![Argument::activations("input", shape)],
            Kind::Relu => vec![plain("input", shape)],
            Kind::CrossEntropy => vec![plain("logits", shape)],
            Kind::Linear => vec![
                plain("input", shape),
                plain("weight", &[self.n_outputs, channels[0]]),
                plain("bias", &[self.n_outputs]),
            ],
            Kind::Adam | Kind::AdamW => vec![
                plain("parameter", shape),
                plain("gradient", shape),
                plain("first moment", shape),
                plain("second moment", shape).positive(),
            ],
            Kind::Interpolation => vec![plain("variable", shape), plain("target", shape)],
        }
    }

    /// Returns `true` if it changes its first argument in place, by [`Operation::update`], and has no gradients.
    pub(crate) fn is_update(&self) -> bool {
        matches!(self.kind, Kind::Adam | Kind::AdamW | Kind::Interpolation)
    }

    /// Returns `true` if it is one of [`Operations`], and `false` for one of candle's on every device.
    pub(crate) fn is_of_resnet(&self) -> bool {
        match self.kind {
            Kind::Convolution { .. }
            | Kind::BatchNormTrain(_)
            | Kind::BatchNormEval(_)
            | Kind::MaxPool
            | Kind::AveragePool => true,
            Kind::Relu
            | Kind::Linear
            | Kind::CrossEntropy
            | Kind::Adam
            | Kind::AdamW
            | Kind::Interpolation => false,
        }
    }

    /// Its outputs by name; gradients are those of the first.
    ///
    /// # Errors
    /// The device fails.
    pub(crate) fn apply(
        &self,
        operations: &dyn Operations,
        arguments: &[Tensor],
    ) -> std::result::Result<Vec<(&'static str, Tensor)>, TrainError> {
        let x = &arguments[0];
        let output = match self.kind {
            Kind::Convolution { side, stride } => {
                operations.conv2d(x, &arguments[1], stride, side / 2)?
            }
            Kind::BatchNormTrain(fusion) => {
                return Ok(batch_norm_train(operations, arguments, fusion)?);
            }
            Kind::BatchNormEval(fusion) => batch_norm_eval(operations, arguments, fusion)?,
            Kind::MaxPool => operations.max_pool(x)?,
            Kind::AveragePool => operations.average_pool(x)?,
            Kind::Relu => kernels::relu(x)?,
            // As in the network's linear layers.
            Kind::Linear => x.matmul(&arguments[1].t()?)?.broadcast_add(&arguments[2])?,
            Kind::CrossEntropy => cross_entropy(x)?,
            Kind::Adam | Kind::AdamW | Kind::Interpolation => x.clone(),
        };
        Ok(vec![("output", output)])
    }

    /// Changes the first of the variables, and the moments of an optimizer.
    ///
    /// # Errors
    /// The device fails.
    pub(crate) fn update(&self, variables: &[Var]) -> Result<()> {
        let decay = match self.kind {
            Kind::Adam => WeightDecay::Penalty(0.1),
            Kind::AdamW => WeightDecay::Decoupled(0.1),
            _ => return lerp(&variables[0], &variables[1], 0.25),
        };
        let step = AdamStep {
            learning_rate: 1e-2,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: decay,
            step: 3,
        };
        let [parameter, gradient, first, second] = variables else {
            candle_core::bail!("an optimizer has four arguments, found {}", variables.len());
        };
        adam_step(parameter, gradient, first, second, &step)
    }
}

fn batch_norm_train(
    operations: &dyn Operations,
    arguments: &[Tensor],
    fusion: Fusion,
) -> Result<Vec<(&'static str, Tensor)>> {
    let (y, moments) = operations.batch_norm_train(
        &arguments[0],
        &arguments[1],
        &arguments[2],
        EPSILON,
        arguments.get(5),
        fusion != Fusion::Nothing,
    )?;
    Ok(vec![
        ("output", y),
        ("mean", moments.mean),
        ("variance", moments.variance),
    ])
}

fn batch_norm_eval(
    operations: &dyn Operations,
    arguments: &[Tensor],
    fusion: Fusion,
) -> Result<Tensor> {
    let norm = Normalization {
        gamma: &arguments[1],
        beta: &arguments[2],
        mean: &arguments[3],
        variance: &arguments[4],
        epsilon: EPSILON,
    };
    let relu = fusion != Fusion::Nothing;
    operations.batch_norm_eval(&arguments[0], &norm, arguments.get(5), relu)
}

fn cross_entropy(logits: &Tensor) -> std::result::Result<Tensor, TrainError> {
    let (batch_size, n_classes) = logits.dims2()?;
    let labels = (0..batch_size).map(|i| u32::try_from(i % n_classes).unwrap_or(0));
    let labels: Vec<u32> = labels.collect();
    let weights = (0..n_classes).map(|class| 1.0 + class as f32 / 4.0);
    CrossEntropy::new(weights.collect(), 0.1).forward(logits, &labels)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Convolution { side, stride } => {
                write!(f, "convolution {side}×{side}/{stride}")
            }
            Self::BatchNormTrain(fusion) => write!(f, "batch-norm, train{fusion}"),
            Self::BatchNormEval(fusion) => write!(f, "batch-norm, eval{fusion}"),
            Self::MaxPool => f.write_str("max-pool 3×3/2"),
            Self::AveragePool => f.write_str("average-pool"),
            Self::Relu => f.write_str("ReLU"),
            Self::Linear => f.write_str("linear"),
            Self::CrossEntropy => f.write_str("cross-entropy"),
            Self::Adam => f.write_str("Adam, a step"),
            Self::AdamW => f.write_str("AdamW, a step"),
            Self::Interpolation => f.write_str("average of weights, a step"),
        }
    }
}

impl fmt::Display for Fusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "",
            Self::Relu => ", ReLU",
            Self::ResidualRelu => ", residual, ReLU",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_sizes_readable() {
        let names: BTreeSet<String> = operations().iter().map(|it| it.kind.to_string()).collect();
        assert_eq!(names.len(), operations().len());
        let first = &operations()[0];
        assert_eq!(first.kind.to_string(), "convolution 7×7/2");
        assert_eq!(first.size(), "4×3×112×112 → 64");
        // Images have no gradient.
        assert!(!first.arguments()[0].has_gradient && first.arguments()[1].has_gradient);
    }
}
