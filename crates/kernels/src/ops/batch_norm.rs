//! Batch normalization on CPU, with the residual and the ReLU that follow it.

use candle_core::{Result, Tensor};

use super::output::output;
use super::slices::{tensor, with_slice};
use crate::cpu::batch_norm::{Affine, Moments, forward};
use crate::{BatchStatistics, Normalization};

/// The map of each channel by the batch's own moments, and their statistics.
pub(crate) fn affine_of_batch(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
) -> Result<(Affine, BatchStatistics)> {
    let channels = gamma.elem_count();
    let moments = with_slice(&x.contiguous()?, |x| Moments::of(x, channels))?;
    let affine = Affine::new(&moments, &gamma.to_vec1()?, &beta.to_vec1()?, epsilon);
    let statistics = BatchStatistics {
        variance: tensor(moments.unbiased_variance(), channels)?,
        mean: tensor(moments.mean, channels)?,
    };
    Ok((affine, statistics))
}

/// The map of each channel by given moments.
pub(crate) fn affine(norm: &Normalization<'_>) -> Result<Affine> {
    let moments = Moments {
        mean: norm.mean.to_vec1()?,
        variance: norm.variance.to_vec1()?,
        count: 1,
    };
    let (gamma, beta): (Vec<f32>, Vec<f32>) = (norm.gamma.to_vec1()?, norm.beta.to_vec1()?);
    Ok(Affine::new(&moments, &gamma, &beta, norm.epsilon))
}

/// `x` `[B, H, W, C]` by the map that `parameters`, γ and β, are part of.
pub(crate) fn normalize(
    x: &Tensor,
    affine: &Affine,
    parameters: [&Tensor; 2],
    residual: Option<&Tensor>,
    relu: bool,
) -> Result<Tensor> {
    let contiguous = x.contiguous()?;
    let run =
        |residual: Option<&[f32]>| with_slice(&contiguous, |x| forward(x, affine, residual, relu));
    let y = match residual {
        None => run(None)?,
        Some(residual) => with_slice(&residual.contiguous()?, |residual| run(Some(residual)))??,
    };
    let operands = [x].into_iter().chain(parameters).chain(residual);
    output("batch-norm", y, x.shape(), operands)
}
