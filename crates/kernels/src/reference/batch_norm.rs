//! Batch normalization and its gradient.

use candle_core::{Result, Tensor};

use crate::{
    ops::{custom_gradient, relu::relu},
    statistics::BatchStatistics,
};

/// Dimensions over which a channel's moments are taken.
const ALL_BUT_CHANNELS: (usize, usize, usize) = (0, 2, 3);

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
    let mean = input.mean_keepdim(ALL_BUT_CHANNELS)?;
    let variance = input
        .broadcast_sub(&mean)?
        .sqr()?
        .mean_keepdim(ALL_BUT_CHANNELS)?;
    let count = (x.elem_count() / x.dim(1)?) as f64;
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

/// Normalization by given moments, `mean` and `variance` `[C]`.
pub(crate) fn eval(
    x: &Tensor,
    [gamma, beta, mean, variance]: [&Tensor; 4],
    epsilon: f64,
    residual: Option<&Tensor>,
    with_relu: bool,
) -> Result<Tensor> {
    let (mean, variance) = (
        per_channel(&mean.detach())?,
        per_channel(&variance.detach())?,
    );
    let y = normalized(
        x,
        gamma,
        beta,
        Moments {
            mean,
            variance,
            of_batch: false,
        },
        epsilon,
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
        let d_beta = dy.sum_keepdim(ALL_BUT_CHANNELS)?;
        let d_gamma = (dy * &normal)?.sum_keepdim(ALL_BUT_CHANNELS)?;
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

fn per_channel(values: &Tensor) -> Result<Tensor> {
    values.reshape((1, (), 1, 1))
}
