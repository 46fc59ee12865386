//! Results of kernels, in which candle's autograd finds no gradient.

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, Var, bail};

use super::slices::tensor;

/// The result of operation `name` as a tensor.
///
/// Gradients on CPU are those of a [`Tape`](crate::Tape). If an operand is tracked, candle's `backward` fails at the
/// result: it would take it for a constant otherwise, and leave out the gradients of all that led to it.
pub(crate) fn output<'a>(
    name: &'static str,
    numbers: Vec<f32>,
    shape: impl Into<Shape>,
    operands: impl IntoIterator<Item = &'a Tensor>,
) -> Result<Tensor> {
    if !operands.into_iter().any(Tensor::track_op) {
        return tensor(numbers, shape);
    }
    // The operand that candle sees is a number of its own: a real one would be kept as long as the result.
    let operand = Var::zeros((), DType::F32, &Device::Cpu)?;
    operand.apply_op1(NoGradient {
        name,
        result: Mutex::new(Some((numbers, shape.into()))),
    })
}

/// An operation without gradient, whose result was computed before.
struct NoGradient {
    name: &'static str,
    /// Taken by the forward pass.
    result: Mutex<Option<(Vec<f32>, Shape)>>,
}

impl CustomOp1 for NoGradient {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        match result.take() {
            Some((numbers, shape)) => Ok((CpuStorage::F32(numbers), shape)),
            None => bail!("{} went forward twice", self.name),
        }
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        bail!(
            "candle's autograd has no gradient of {} on CPU: gradients of the kernels are computed by a `kernels::Tape`",
            self.name
        )
    }
}
