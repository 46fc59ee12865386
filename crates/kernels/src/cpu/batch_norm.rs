//! Batch normalization over `[…, C]`, with the sum with a residual and the ReLU that follow it.
//!
//! Ioffe and Szegedy (2015), "Batch normalization": `y = γ (x − μ) / √(σ² + ε) + β`, with the biased variance of
//! the batch. Every pass goes over chunks of [`CHUNK`] numbers; sums are in f32 within a chunk and in f64, in
//! order, over chunks (Chan et al. 1983, "Algorithms for computing the sample variance", eq. 2.1).
#![expect(unsafe_code, reason = "outputs are not zeroed before they are written")]

use rayon::prelude::*;

use super::{
    buffer::{Uninit, write_vec},
    elementwise::update,
    simd::vectorized,
};

/// Numbers of one job: they fit the cache, for chunks are read twice.
const CHUNK: usize = 64 * 1024;

/// Mean and variance of each channel, `[C]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moments {
    /// Mean.
    pub(crate) mean: Vec<f32>,
    /// Biased variance, which normalizes.
    pub(crate) variance: Vec<f32>,
    /// Values per channel.
    pub(crate) count: usize,
}

impl Moments {
    /// Moments of `x` `[…, C]`.
    pub(crate) fn of(x: &[f32], channels: usize) -> Self {
        let parts: Vec<_> = x
            .par_chunks(chunk_len(channels))
            .map(|chunk| chunk_moments(chunk, channels))
            .collect();
        let (mut mean, mut squares, mut count) =
            (vec![0.0_f64; channels], vec![0.0_f64; channels], 0.0_f64);
        for (rows, chunk_mean, chunk_squares) in parts {
            let total = count + rows;
            for channel in 0..channels {
                let difference = f64::from(chunk_mean[channel]) - mean[channel];
                mean[channel] += difference * rows / total;
                squares[channel] += f64::from(chunk_squares[channel])
                    + difference * difference * count * rows / total;
            }
            count = total;
        }
        Self {
            mean: narrow(mean),
            variance: narrow(squares.into_iter().map(|sum| sum / count)),
            count: x.len() / channels,
        }
    }

    /// The variance with Bessel's correction, as PyTorch keeps it for evaluation; 0 of a single value.
    pub(crate) fn unbiased_variance(&self) -> Vec<f32> {
        let count = self.count as f64;
        let correction = if self.count > 1 {
            count / (count - 1.0)
        } else {
            0.0
        };
        narrow(self.variance.iter().map(|&v| f64::from(v) * correction))
    }
}

/// Rows, mean and sum of squared deviations of one chunk.
fn chunk_moments(chunk: &[f32], channels: usize) -> (f64, Vec<f32>, Vec<f32>) {
    let rows = (chunk.len() / channels) as f64;
    let (mut mean, mut squares) = (vec![0.0_f32; channels], vec![0.0_f32; channels]);
    let inverse = to_f32(1.0 / rows);
    vectorized(
        #[inline(always)]
        || {
            for row in chunk.chunks_exact(channels) {
                mean.iter_mut()
                    .zip(row)
                    .for_each(|(sum, value)| *sum += value);
            }
            mean.iter_mut().for_each(|sum| *sum *= inverse);
            for row in chunk.chunks_exact(channels) {
                for ((sum, value), mean) in squares.iter_mut().zip(row).zip(&mean) {
                    let deviation = value - mean;
                    *sum += deviation * deviation;
                }
            }
        },
    );
    (rows, mean, squares)
}

/// The affine map of each channel, `y = scale · (x − mean) + shift`.
///
/// The mean is not folded into the shift: for a channel that hardly varies, the two would nearly cancel.
#[derive(Debug)]
pub(crate) struct Affine {
    scale: Vec<f32>,
    mean: Vec<f32>,
    shift: Vec<f32>,
    inverse_deviation: Vec<f64>,
}

impl Affine {
    /// The map of normalization by `moments`, then `gamma` and `beta` `[C]`.
    pub(crate) fn new(moments: &Moments, gamma: &[f32], beta: &[f32], epsilon: f64) -> Self {
        let inverse_deviation: Vec<f64> = moments
            .variance
            .iter()
            .map(|&v| (f64::from(v) + epsilon).sqrt().recip())
            .collect();
        let scale = narrow(
            gamma
                .iter()
                .zip(&inverse_deviation)
                .map(|(&g, d)| f64::from(g) * d),
        );
        Self {
            scale,
            mean: moments.mean.clone(),
            shift: beta.to_vec(),
            inverse_deviation,
        }
    }

    fn channels(&self) -> usize {
        self.scale.len()
    }
}

/// `y = scale · (x − mean) + shift + residual`, and the ReLU of it if `relu`.
pub(crate) fn forward(
    x: &[f32],
    affine: &Affine,
    residual: Option<&[f32]>,
    relu: bool,
) -> Vec<f32> {
    let (channels, chunk) = (affine.channels(), chunk_len(affine.channels()));
    let floor = floor(relu);
    let run = |y: &mut [Uninit]| {
        y.par_chunks_mut(chunk).enumerate().for_each(|(i, y)| {
            let range = i * chunk..i * chunk + y.len();
            let (x, residual) = (&x[range.clone()], residual.map(|r| &r[range]));
            let (scale, shift, mean) = (
                &affine.scale[..channels],
                &affine.shift[..channels],
                &affine.mean[..channels],
            );
            vectorized(
                #[inline(always)]
                || {
                    let rows = y.chunks_exact_mut(channels).zip(x.chunks_exact(channels));
                    match residual {
                        None => {
                            for (y, x) in rows {
                                for j in 0..channels {
                                    let value = normalized(x[j], mean[j], scale[j], shift[j]);
                                    y[j].write(at_least(floor, value));
                                }
                            }
                        }
                        Some(residual) => {
                            for ((y, x), r) in rows.zip(residual.chunks_exact(channels)) {
                                for j in 0..channels {
                                    let value =
                                        normalized(x[j], mean[j], scale[j], shift[j]) + r[j];
                                    y[j].write(at_least(floor, value));
                                }
                            }
                        }
                    }
                },
            );
        });
    };
    // SAFETY: the chunks cover `y`, and each row of a chunk is written whole: `x` has whole rows.
    unsafe { write_vec(x.len(), run) }
}

/// The rest of a residual step in inference, behind a convolution: `scale · (x − mean) + shift + residual`, and the ReLU
/// of it if `relu`.
#[derive(Clone, Copy)]
pub(crate) struct Epilogue<'a> {
    pub(crate) affine: &'a Affine,
    /// As many numbers as the convolution's output.
    pub(crate) residual: Option<&'a [f32]>,
    pub(crate) relu: bool,
}

impl Epilogue<'_> {
    /// Applies it in place to `pixels`, whole rows of channels from number `first` of the output on: the bits of
    /// [`forward`].
    pub(crate) fn apply(self, first: usize, pixels: &mut [f32]) {
        let channels = self.affine.channels();
        vectorized(
            #[inline(always)]
            || {
                for (i, pixel) in pixels.chunks_exact_mut(channels).enumerate() {
                    self.apply_channels(first + i * channels, 0, pixel);
                }
            },
        );
    }

    /// Applies it in place to `numbers`, channels of one pixel from `channel` on, at number `first` of the output.
    #[inline(always)]
    pub(crate) fn apply_channels(self, first: usize, channel: usize, numbers: &mut [f32]) {
        let n = numbers.len();
        let floor = floor(self.relu);
        let Affine {
            scale, mean, shift, ..
        } = self.affine;
        let (scale, mean) = (&scale[channel..][..n], &mean[channel..][..n]);
        let shift = &shift[channel..][..n];
        match self.residual.map(|residual| &residual[first..][..n]) {
            None => {
                for j in 0..n {
                    let value = normalized(numbers[j], mean[j], scale[j], shift[j]);
                    numbers[j] = at_least(floor, value);
                }
            }
            Some(residual) => {
                for j in 0..n {
                    let value = normalized(numbers[j], mean[j], scale[j], shift[j]) + residual[j];
                    numbers[j] = at_least(floor, value);
                }
            }
        }
    }
}

/// `scale · (x − mean) + shift`
#[inline(always)]
fn normalized(x: f32, mean: f32, scale: f32, shift: f32) -> f32 {
    (x - mean).mul_add(scale, shift)
}

/// The least value of an output.
#[inline(always)]
fn floor(relu: bool) -> f32 {
    if relu { 0.0 } else { f32::NEG_INFINITY }
}

/// The larger of the two; NaN stays NaN, which `f32::max` would turn into `floor`.
#[inline(always)]
fn at_least(floor: f32, value: f32) -> f32 {
    if value < floor { floor } else { value }
}

/// Elements of the output whose gradient counts: those that the ReLU passed.
#[derive(Clone, Copy)]
pub(crate) enum GradientMask {
    /// All: there was no ReLU, or [`mask_gradient`] was applied already.
    All,
    /// Those where `scale · (x − mean) + shift` is positive or NaN: there was no residual.
    Positive,
}

/// The gradients of a normalization.
pub(crate) struct Gradients {
    /// Gradient of the input, `[…, C]`.
    pub(crate) x: Vec<f32>,
    /// Gradient of the scale γ, `[C]`.
    pub(crate) gamma: Vec<f32>,
    /// Gradient of the shift β, `[C]`.
    pub(crate) beta: Vec<f32>,
}

/// Turns the gradient of a ReLU's output `y` into that of its input. As in PyTorch, it passes where the output is NaN.
pub(crate) fn mask_gradient(gradient: &mut [f32], y: &[f32]) {
    update(
        gradient,
        y,
        #[inline(always)]
        |gradient, y| *gradient = if y <= 0.0 { 0.0 } else { *gradient },
    );
}

/// The gradients, given that of the output; `of_batch` if the moments are those of `x`.
pub(crate) fn backward(
    x: &[f32],
    dy: &[f32],
    affine: &Affine,
    mask: GradientMask,
    of_batch: bool,
) -> Gradients {
    match mask {
        GradientMask::All => backward_where::<false>(x, dy, affine, of_batch),
        GradientMask::Positive => backward_where::<true>(x, dy, affine, of_batch),
    }
}

/// `POSITIVE`: only the gradient where `scale · (x − mean) + shift` is positive or NaN counts.
fn backward_where<const POSITIVE: bool>(
    x: &[f32],
    dy: &[f32],
    affine: &Affine,
    of_batch: bool,
) -> Gradients {
    let (channels, chunk) = (affine.channels(), chunk_len(affine.channels()));
    let (products, sums) = gradient_sums::<POSITIVE>(x, dy, affine);
    let gamma: Vec<f64> = products
        .iter()
        .zip(&affine.inverse_deviation)
        .map(|(sum, d)| sum * d)
        .collect();
    // dx = scale · (dy − mean(dy) − x̂ · mean(dy · x̂)); of fixed moments, the means do not count, NaN or not.
    let scale = |j: usize| -f64::from(affine.scale[j]) / (x.len() / channels) as f64;
    let (slope, offset) = if of_batch {
        let slope = |j: usize| scale(j) * affine.inverse_deviation[j] * gamma[j];
        let offset = |j: usize| scale(j) * sums[j];
        (
            narrow((0..channels).map(slope)),
            narrow((0..channels).map(offset)),
        )
    } else {
        (vec![0.0; channels], vec![0.0; channels])
    };
    let run = |dx: &mut [Uninit]| {
        dx.par_chunks_mut(chunk).enumerate().for_each(|(i, dx)| {
            let range = i * chunk..i * chunk + dx.len();
            let (x, dy) = (&x[range.clone()], &dy[range]);
            vectorized(
                #[inline(always)]
                || {
                    let rows = dx.chunks_exact_mut(channels).zip(x.chunks_exact(channels));
                    for ((dx, x), dy) in rows.zip(dy.chunks_exact(channels)) {
                        gradient_row::<POSITIVE>(dx, x, dy, affine, &slope, &offset);
                    }
                },
            );
        });
    };
    // SAFETY: the chunks cover `dx`, and each row of a chunk is written whole: `x` has whole rows.
    let x = unsafe { write_vec(x.len(), run) };
    Gradients {
        x,
        gamma: narrow(gamma),
        beta: narrow(sums),
    }
}

/// The gradient of one pixel. Visibly equal lengths let the compiler omit bounds checks.
#[inline(always)]
fn gradient_row<const POSITIVE: bool>(
    dx: &mut [Uninit],
    x: &[f32],
    dy: &[f32],
    affine: &Affine,
    slope: &[f32],
    offset: &[f32],
) {
    let n = dx.len();
    let (x, dy, slope, offset) = (&x[..n], &dy[..n], &slope[..n], &offset[..n]);
    let (scale, shift, mean) = (&affine.scale[..n], &affine.shift[..n], &affine.mean[..n]);
    for j in 0..n {
        let stopped = POSITIVE && normalized(x[j], mean[j], scale[j], shift[j]) <= 0.0;
        let dy = if stopped { 0.0 } else { dy[j] };
        dx[j].write(scale[j].mul_add(dy, slope[j].mul_add(x[j] - mean[j], offset[j])));
    }
}

/// `Σ dy (x − μ)` and `Σ dy` of each channel.
fn gradient_sums<const POSITIVE: bool>(
    x: &[f32],
    dy: &[f32],
    affine: &Affine,
) -> (Vec<f64>, Vec<f64>) {
    let (channels, chunk) = (affine.channels(), chunk_len(affine.channels()));
    assert_eq!(
        x.len(),
        dy.len(),
        "numbers of an input and of the output's gradient"
    );
    let chunks = x.par_chunks(chunk).zip(dy.par_chunks(chunk));
    let parts: Vec<_> = chunks
        .map(|(x, dy)| {
            let (mut products, mut sums) = (vec![0.0_f32; channels], vec![0.0_f32; channels]);
            vectorized(
                #[inline(always)]
                || {
                    for (x, dy) in x.chunks_exact(channels).zip(dy.chunks_exact(channels)) {
                        add_row::<POSITIVE>(&mut products, &mut sums, x, dy, affine);
                    }
                },
            );
            (products, sums)
        })
        .collect();
    let (mut products, mut sums) = (vec![0.0; channels], vec![0.0; channels]);
    for (p, s) in parts {
        for j in 0..channels {
            products[j] += f64::from(p[j]);
            sums[j] += f64::from(s[j]);
        }
    }
    (products, sums)
}

#[inline(always)]
fn add_row<const POSITIVE: bool>(
    products: &mut [f32],
    sums: &mut [f32],
    x: &[f32],
    dy: &[f32],
    affine: &Affine,
) {
    let n = products.len();
    let (sums, x, dy) = (&mut sums[..n], &x[..n], &dy[..n]);
    let (scale, shift, mean) = (&affine.scale[..n], &affine.shift[..n], &affine.mean[..n]);
    for j in 0..n {
        let stopped = POSITIVE && normalized(x[j], mean[j], scale[j], shift[j]) <= 0.0;
        let dy = if stopped { 0.0 } else { dy[j] };
        sums[j] += dy;
        products[j] = dy.mul_add(x[j] - mean[j], products[j]);
    }
}

/// Numbers of a chunk: whole rows.
fn chunk_len(channels: usize) -> usize {
    (CHUNK / channels).max(16) * channels
}

fn narrow(values: impl IntoIterator<Item = f64>) -> Vec<f32> {
    values.into_iter().map(to_f32).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "statistics are computed in f64 and stored in f32"
)]
fn to_f32(value: f64) -> f32 {
    value as f32
}
