//! Batch normalization on CPU, with the residual and the ReLU that follow it.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::slices::{numbers, tensor, with_slice};
use crate::cpu::batch_norm::{Affine, GradientMask, Moments, backward, forward, mask_gradient};
use crate::{BatchStatistics, Normalization};

/// Normalization by the batch's own moments, whose statistics are also returned.
pub(crate) fn train(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
    residual: Option<&Tensor>,
    relu: bool,
) -> Result<(Tensor, BatchStatistics)> {
    let moments = Arc::new(OnceLock::new());
    let op = BatchNorm {
        moments: moments.clone(),
        of_batch: true,
        epsilon,
        relu,
    };
    let y = op.apply(x, gamma, beta, residual)?;
    match moments.get() {
        Some(moments) => Ok((y, statistics(moments)?)),
        None => bail!("batch-norm computed no moments"),
    }
}

/// Statistics of a batch by its moments.
pub(crate) fn statistics(moments: &Moments) -> Result<BatchStatistics> {
    let channels = moments.mean.len();
    Ok(BatchStatistics {
        mean: tensor(moments.mean.clone(), channels)?,
        variance: tensor(moments.unbiased_variance(), channels)?,
    })
}

/// Normalization by given moments.
pub(crate) fn eval(
    x: &Tensor,
    norm: &Normalization<'_>,
    residual: Option<&Tensor>,
    relu: bool,
) -> Result<Tensor> {
    let op = BatchNorm {
        moments: Arc::new(OnceLock::from(moments(norm)?)),
        of_batch: false,
        epsilon: norm.epsilon,
        relu,
    };
    op.apply(x, norm.gamma, norm.beta, residual)
}

/// The map of each channel by given moments.
pub(crate) fn affine(norm: &Normalization<'_>) -> Result<Affine> {
    let (gamma, beta): (Vec<f32>, Vec<f32>) = (norm.gamma.to_vec1()?, norm.beta.to_vec1()?);
    Ok(Affine::new(&moments(norm)?, &gamma, &beta, norm.epsilon))
}

fn moments(norm: &Normalization<'_>) -> Result<Moments> {
    Ok(Moments {
        mean: norm.mean.to_vec1()?,
        variance: norm.variance.to_vec1()?,
        count: 1,
    })
}

struct BatchNorm {
    /// Given, or set by the forward pass.
    moments: Arc<OnceLock<Moments>>,
    of_batch: bool,
    epsilon: f64,
    relu: bool,
}

impl BatchNorm {
    /// candle's operations have three arguments at most: `gamma` and `beta` are stacked.
    fn apply(
        self,
        x: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        residual: Option<&Tensor>,
    ) -> Result<Tensor> {
        let parameters = Tensor::stack(&[gamma, beta], 0)?;
        let x = x.contiguous()?;
        match residual {
            Some(residual) => x.apply_op3(&parameters, &residual.contiguous()?, self),
            None => x.apply_op2(&parameters, self),
        }
    }

    fn forward(&self, x: &[f32], parameters: &[f32], residual: Option<&[f32]>) -> CpuStorage {
        let moments = self
            .moments
            .get_or_init(|| Moments::of(x, parameters.len() / 2));
        CpuStorage::F32(forward(
            x,
            &self.affine(moments, parameters),
            residual,
            self.relu,
        ))
    }

    fn affine(&self, moments: &Moments, parameters: &[f32]) -> Affine {
        let (gamma, beta) = parameters.split_at(parameters.len() / 2);
        Affine::new(moments, gamma, beta, self.epsilon)
    }

    /// Gradients of the input and of the parameters, given that of the ReLU's input or output.
    fn backward(
        &self,
        x: &Tensor,
        parameters: &Tensor,
        dy: &Tensor,
        mask: GradientMask,
    ) -> Result<[Tensor; 2]> {
        let Some(moments) = self.moments.get() else {
            bail!("batch-norm goes backward before forward")
        };
        let mut gradients = with_slice(x, |x| {
            with_slice(parameters, |p| {
                with_slice(dy, |dy| {
                    backward(x, dy, &self.affine(moments, p), mask, self.of_batch)
                })
            })
        })???;
        gradients.gamma.append(&mut gradients.beta);
        Ok([
            tensor(gradients.x, x.shape())?,
            tensor(gradients.gamma, parameters.shape())?,
        ])
    }
}

impl CustomOp2 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch-norm-channels-last"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        p: &CpuStorage,
        pl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok((
            self.forward(numbers(x, xl)?, numbers(p, pl)?, None),
            xl.shape().clone(),
        ))
    }

    fn bwd(
        &self,
        x: &Tensor,
        p: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mask = if self.relu {
            GradientMask::Positive
        } else {
            GradientMask::All
        };
        let [dx, dp] = self.backward(x, p, &dy.contiguous()?, mask)?;
        Ok((Some(dx), Some(dp)))
    }
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch-norm-residual-channels-last"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        p: &CpuStorage,
        pl: &Layout,
        r: &CpuStorage,
        rl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok((
            self.forward(numbers(x, xl)?, numbers(p, pl)?, Some(numbers(r, rl)?)),
            xl.shape().clone(),
        ))
    }

    fn bwd(
        &self,
        x: &Tensor,
        p: &Tensor,
        _: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        // The ReLU's input is a sum, so its gradient is also the residual's.
        let sum = if self.relu {
            let mut sum = with_slice(&dy, <[f32]>::to_vec)?;
            with_slice(y, |y| mask_gradient(&mut sum, y))?;
            tensor(sum, y.shape())?
        } else {
            dy
        };
        let [dx, dp] = self.backward(x, p, &sum, GradientMask::All)?;
        Ok((Some(dx), Some(dp), Some(sum)))
    }
}
