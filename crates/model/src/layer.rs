//! Layers with weights.

use candle_core::{DType, Device, Tensor, Var};
use kernels::{Backend, ConstantConvolution, Normalization, Operations};

use crate::initializer::{self, Initializer};
use crate::{Mode, ModelError};

/// Added to variances before the root: PyTorch's `eps`.
const EPSILON: f64 = 1e-5;
/// The weight of the newest batch in running statistics: PyTorch's `momentum`.
const MOMENTUM: f64 = 0.1;

/// Role of a state entry in training.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A weight, changed by the optimizer.
    Weight,
    /// A running mean or variance.
    Statistic,
    /// The number of batches that a statistic has seen, an `i64` on the host.
    Count,
}

/// A named tensor of the state.
pub(crate) struct StateEntry {
    pub(crate) name: String,
    pub(crate) var: Var,
    pub(crate) role: Role,
}

/// Settings of a layer's forward pass.
#[derive(Clone, Copy)]
pub(crate) struct ForwardContext<'a> {
    /// Layout of the ResNet's activations.
    pub(crate) backend: Backend,
    /// The ResNet's operations: the backend's, or on CPU, where gradients are computed, a tape's.
    pub(crate) operations: &'a dyn Operations,
    /// Mode of batch-norms.
    pub(crate) mode: Mode,
    /// Gradients of the layer's weights are computed.
    pub(crate) tracked: bool,
}

impl ForwardContext<'_> {
    /// The weight as an operand: detached where no gradient is computed, so that nothing is kept for it.
    fn operand(self, weight: &Var) -> Tensor {
        if self.tracked {
            weight.as_tensor().clone()
        } else {
            weight.as_detached_tensor()
        }
    }
}

/// Builds layers with initial values and collects their state entries in the order of the calls.
pub(crate) struct Builder<'a, I> {
    device: &'a Device,
    initializer: I,
    entries: Vec<StateEntry>,
}

impl<'a, I: Initializer> Builder<'a, I> {
    pub(crate) fn new(device: &'a Device, initializer: I) -> Self {
        Self {
            device,
            initializer,
            entries: Vec::new(),
        }
    }

    /// The state entries of all layers built.
    pub(crate) fn finish(self) -> Vec<StateEntry> {
        self.entries
    }

    fn register(&mut self, layer: &str, name: &str, role: Role, var: &Var) {
        self.entries.push(StateEntry {
            name: format!("{layer}.{name}"),
            var: var.clone(),
            role,
        });
    }

    /// A square convolution without bias, padded to keep the image's size at stride 1.
    pub(crate) fn convolution(
        &mut self,
        layer: &str,
        [n_in, n_out, side]: [usize; 3],
        stride: usize,
    ) -> Result<Convolution, ModelError> {
        let weight = self
            .initializer
            .convolution([n_in, n_out, side], self.device)?;
        self.register(layer, "weight", Role::Weight, &weight);
        Ok(Convolution {
            weight,
            stride,
            padding: side / 2,
        })
    }

    pub(crate) fn batch_norm(
        &mut self,
        layer: &str,
        channels: usize,
    ) -> Result<BatchNorm, ModelError> {
        let norm = BatchNorm {
            name: layer.to_owned(),
            weight: initializer::constant(1.0, channels, self.device)?,
            bias: initializer::constant(0.0, channels, self.device)?,
            running_mean: initializer::constant(0.0, channels, self.device)?,
            running_var: initializer::constant(1.0, channels, self.device)?,
            n_batches: Var::zeros((), DType::I64, &Device::Cpu)?,
        };
        self.register(layer, "weight", Role::Weight, &norm.weight);
        self.register(layer, "bias", Role::Weight, &norm.bias);
        self.register(layer, "running_mean", Role::Statistic, &norm.running_mean);
        self.register(layer, "running_var", Role::Statistic, &norm.running_var);
        self.register(layer, "num_batches_tracked", Role::Count, &norm.n_batches);
        Ok(norm)
    }

    pub(crate) fn linear(
        &mut self,
        layer: &str,
        n_in: usize,
        n_out: usize,
    ) -> Result<Linear, ModelError> {
        let weight = self.initializer.linear(&[n_out, n_in], n_in, self.device)?;
        let bias = self.initializer.linear(&[n_out], n_in, self.device)?;
        self.register(layer, "weight", Role::Weight, &weight);
        self.register(layer, "bias", Role::Weight, &bias);
        Ok(Linear { weight, bias })
    }

    pub(crate) fn cosine(
        &mut self,
        layer: &str,
        n_in: usize,
        n_out: usize,
    ) -> Result<Cosine, ModelError> {
        let weight = self.initializer.directions(n_out, n_in, self.device)?;
        self.register(layer, "weight", Role::Weight, &weight);
        Ok(Cosine { weight })
    }
}

/// A square convolution without bias.
pub(crate) struct Convolution {
    weight: Var, // [out, in, side, side]
    stride: usize,
    padding: usize,
}

impl Convolution {
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        context: ForwardContext<'_>,
    ) -> Result<Tensor, ModelError> {
        let weight = context.operand(&self.weight);
        let operations = context.operations;
        Ok(operations.conv2d(x, &weight, self.stride, self.padding)?)
    }
}

/// Batch normalization (Ioffe & Szegedy 2015) by PyTorch's conventions: the batch is normalized by
/// its biased variance, the running variance takes the unbiased one.
pub(crate) struct BatchNorm {
    name: String,
    weight: Var,       // [C]
    bias: Var,         // [C]
    running_mean: Var, // [C]
    running_var: Var,  // [C]
    n_batches: Var,    // []
}

impl BatchNorm {
    /// `relu(norm(x) + residual)` by the batch's moments, the residual and the ReLU being optional. The running moments
    /// are updated.
    pub(crate) fn train(
        &self,
        x: &Tensor,
        residual: Option<&Tensor>,
        relu: bool,
        context: ForwardContext<'_>,
    ) -> Result<Tensor, ModelError> {
        let (weight, bias) = (context.operand(&self.weight), context.operand(&self.bias));
        self.check_values_per_channel(x.elem_count() / weight.elem_count())?;
        let operations = context.operations;
        let (y, batch) = operations.batch_norm_train(x, &weight, &bias, EPSILON, residual, relu)?;
        blend(&self.running_mean, &batch.mean)?;
        blend(&self.running_var, &batch.variance)?;
        self.n_batches
            .set(&(self.n_batches.as_detached_tensor() + 1.0)?)?;
        Ok(y)
    }

    /// `relu(norm(convolution(x)) + residual)` by the running moments, the residual and the ReLU being optional.
    pub(crate) fn eval(
        &self,
        convolution: &Convolution,
        x: &Tensor,
        residual: Option<&Tensor>,
        relu: bool,
        context: ForwardContext<'_>,
    ) -> Result<Tensor, ModelError> {
        let (gamma, beta) = (context.operand(&self.weight), context.operand(&self.bias));
        let (mean, variance) = self.running_moments();
        let norm = normalization(&gamma, &beta, &mean, &variance);
        let weight = context.operand(&convolution.weight);
        let (stride, padding) = (convolution.stride, convolution.padding);
        Ok(context
            .operations
            .conv2d_batch_norm_eval(x, &weight, stride, padding, &norm, residual, relu)?)
    }

    /// The convolution and the normalization behind it, by running moments, with weights that no longer change.
    pub(crate) fn constant(
        &self,
        convolution: &Convolution,
    ) -> Result<ConstantConvolution, ModelError> {
        let weight = convolution.weight.as_detached_tensor();
        let [gamma, beta] = [&self.weight, &self.bias].map(Var::as_detached_tensor);
        let (mean, variance) = self.running_moments();
        let norm = normalization(&gamma, &beta, &mean, &variance);
        let (stride, padding) = (convolution.stride, convolution.padding);
        Ok(ConstantConvolution::new(&weight, stride, padding, &norm)?)
    }

    fn running_moments(&self) -> (Tensor, Tensor) {
        (
            self.running_mean.as_detached_tensor(),
            self.running_var.as_detached_tensor(),
        )
    }

    fn check_values_per_channel(&self, n: usize) -> Result<(), ModelError> {
        if n < 2 {
            return Err(ModelError::NoVariance {
                layer: self.name.clone(),
            });
        }
        Ok(())
    }
}

fn normalization<'a>(
    gamma: &'a Tensor,
    beta: &'a Tensor,
    mean: &'a Tensor,
    variance: &'a Tensor,
) -> Normalization<'a> {
    Normalization {
        gamma,
        beta,
        mean,
        variance,
        epsilon: EPSILON,
    }
}

/// Updates a running statistic by that of a batch.
fn blend(running: &Var, batch: &Tensor) -> candle_core::Result<()> {
    let old = (running.as_detached_tensor() * (1.0 - MOMENTUM))?;
    let new = (batch.detach() * MOMENTUM)?;
    running.set(&(old + new)?)
}

/// A linear layer with bias.
pub(crate) struct Linear {
    weight: Var, // [out, in]
    bias: Var,   // [out]
}

impl Linear {
    /// `[B, in]` → `[B, out]`.
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        context: ForwardContext<'_>,
    ) -> Result<Tensor, ModelError> {
        // The weights are not transposed, or candle would copy their gradient number by number.
        let y = context.operand(&self.weight).matmul(&x.t()?)?.t()?;
        Ok(y.broadcast_add(&context.operand(&self.bias))?)
    }
}

/// Cosines of the angles between vectors and a direction for each output.
pub(crate) struct Cosine {
    weight: Var, // [out, in]
}

impl Cosine {
    /// `[B, in]` → `[B, out]`, in `[-1, 1]`.
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        context: ForwardContext<'_>,
    ) -> Result<Tensor, ModelError> {
        let directions = unit(&context.operand(&self.weight))?;
        Ok(unit(x)?.matmul(&directions.t()?)?)
    }
}

/// Rows `[N, D]` scaled to length 1.
fn unit(rows: &Tensor) -> candle_core::Result<Tensor> {
    // Small enough to change no other square; it keeps the gradient of a row of zeros finite.
    const LEAST: f64 = 1e-24;
    let squares = rows.sqr()?.sum_keepdim(1)?; // [N, 1]
    rows.broadcast_div(&(squares + LEAST)?.sqrt()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_do_not_depend_on_lengths() {
        let weight = Var::new(&[[2.0_f32, 0.0], [0.0, 0.5]], &Device::Cpu).unwrap();
        let context = ForwardContext {
            backend: Backend::Cpu,
            operations: &Backend::Cpu,
            mode: Mode::Eval,
            tracked: false,
        };
        let x = Tensor::new(&[[3.0_f32, 4.0], [-7.0, 0.0], [0.0, 0.0]], &Device::Cpu).unwrap();
        let cosines = Cosine { weight }.forward(&x, context).unwrap();
        let cosines: Vec<f32> = cosines.flatten_all().unwrap().to_vec1().unwrap();
        for (found, expected) in cosines.iter().zip([0.6, 0.8, -1.0, 0.0, 0.0, 0.0]) {
            assert!((found - expected).abs() < 1e-6, "{cosines:?}");
        }
    }
}
