//! Batch normalization and its gradient.

use candle_core::{Result, Tensor};

use super::{custom_gradient, relu::relu};
use crate::{Normalization, statistics::BatchStatistics};

/// Normalization by the batch's own moments, of `x` `[B, C, H, W]`.
pub(crate) fn train(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
    residual: Option<&Tensor>,
    with_relu: bool,
) -> Result<(Tensor, BatchStatistics)> {
    let input = x.detach();
    let count = (x.elem_count() / x.dim(1)?) as f64;
    let mean = (sum_by_channel(&input)? / count)?;
    let variance = (sum_by_channel(&input.broadcast_sub(&mean)?.sqr()?)? / count)?;
    let correction = if count > 1.0 {
        count / (count - 1.0)
    } else {
        0.0
    };
    let statistics = BatchStatistics {
        mean: mean.flatten_all()?,
        variance: (variance.flatten_all()? * correction)?,
    };
    let y = normalized(
        x,
        gamma,
        beta,
        Moments {
            mean,
            variance,
            of_batch: true,
        },
        epsilon,
    )?;
    Ok((finish(y, residual, with_relu)?, statistics))
}

/// Normalization by given moments.
pub(crate) fn eval(
    x: &Tensor,
    norm: &Normalization<'_>,
    residual: Option<&Tensor>,
    with_relu: bool,
) -> Result<Tensor> {
    let (mean, variance) = (
        per_channel(&norm.mean.detach())?,
        per_channel(&norm.variance.detach())?,
    );
    let y = normalized(
        x,
        norm.gamma,
        norm.beta,
        Moments {
            mean,
            variance,
            of_batch: false,
        },
        norm.epsilon,
    )?;
    finish(y, residual, with_relu)
}

/// Moments `[1, C, 1, 1]`.
struct Moments {
    mean: Tensor,
    variance: Tensor,
    of_batch: bool,
}

/// `γ (x − μ) / √(σ² + ε) + β`
fn normalized(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    moments: Moments,
    epsilon: f64,
) -> Result<Tensor> {
    let Moments {
        mean,
        variance,
        of_batch,
    } = moments;
    let inverse_deviation = (variance + epsilon)?.sqrt()?.recip()?;
    let normal = x
        .detach()
        .broadcast_sub(&mean)?
        .broadcast_mul(&inverse_deviation)?;
    let scale = per_channel(&gamma.detach())?;
    let value = normal
        .broadcast_mul(&scale)?
        .broadcast_add(&per_channel(&beta.detach())?)?;
    let parameters = Tensor::stack(&[gamma, beta], 0)?;
    custom_gradient::binary([x, &parameters], &value, move |dy| {
        let d_beta = sum_by_channel(dy)?;
        let d_gamma = sum_by_channel(&(dy * &normal)?)?;
        let centered = if of_batch {
            let share = d_beta.elem_count() as f64 / dy.elem_count() as f64;
            let by_mean = dy.broadcast_sub(&(&d_beta * share)?)?;
            (by_mean - normal.broadcast_mul(&(&d_gamma * share)?)?)?
        } else {
            dy.clone()
        };
        let dx = centered.broadcast_mul(&(&scale * &inverse_deviation)?)?;
        Ok([
            Some(dx),
            Some(Tensor::stack(
                &[d_gamma.flatten_all()?, d_beta.flatten_all()?],
                0,
            )?),
        ])
    })
}

fn finish(y: Tensor, residual: Option<&Tensor>, with_relu: bool) -> Result<Tensor> {
    let y = match residual {
        Some(residual) => (y + residual)?,
        None => y,
    };
    if with_relu { relu(&y) } else { Ok(y) }
}

/// Sums of `x` `[B, C, H, W]` over all but the channels, `[1, C, 1, 1]`.
///
/// Pixels first: a GPU then sums each image's channel on its own, next to each other in memory. Over all three dimensions
/// at once it would have as many sums as channels, too few to be busy.
fn sum_by_channel(x: &Tensor) -> Result<Tensor> {
    per_channel(&x.flatten_from(2)?.sum(2)?.sum(0)?)
}

fn per_channel(values: &Tensor) -> Result<Tensor> {
    values.reshape((1, (), 1, 1))
}
