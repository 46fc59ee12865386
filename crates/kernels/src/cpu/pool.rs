//! Pooling of `[B, H, W, C]`: maxima of windows 3×3, stride 2, padding 1; means over all pixels.
#![expect(unsafe_code, reason = "outputs are not zeroed before they are written")]

use std::ops::Range;

use rayon::prelude::*;

use super::{
    buffer::{Uninit, write_vec},
    simd::vectorized,
};

/// Sizes of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolShape {
    pub(crate) batch: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl PoolShape {
    /// Rows of the maxima.
    pub(crate) fn out_height(&self) -> usize {
        self.height.div_ceil(2)
    }

    /// Columns of the maxima.
    pub(crate) fn out_width(&self) -> usize {
        self.width.div_ceil(2)
    }

    /// `[B, ⌈H/2⌉, ⌈W/2⌉, C]`.
    pub(crate) fn out_dims(&self) -> [usize; 4] {
        [
            self.batch,
            self.out_height(),
            self.out_width(),
            self.channels,
        ]
    }

    fn out_len(&self) -> usize {
        self.out_dims().iter().product()
    }
}

/// The maxima `[B, ⌈H/2⌉, ⌈W/2⌉, C]` of `x`, and the position of each among the window's 9 pixels: the first of equals.
/// NaN counts as larger than any number.
pub(crate) fn forward(x: &[f32], shape: &PoolShape) -> (Vec<f32>, Vec<u8>) {
    let (channels, line) = (shape.channels, shape.out_width() * shape.channels);
    let mut taps = vec![0_u8; shape.out_len()];
    let run = |y: &mut [Uninit]| {
        y.par_chunks_mut(line)
            .zip(taps.par_chunks_mut(line))
            .enumerate()
            .for_each(|(i, (y, taps))| {
                let (image, row) = (i / shape.out_height(), i % shape.out_height());
                vectorized(
                    #[inline(always)]
                    || {
                        let pixels = y
                            .chunks_exact_mut(channels)
                            .zip(taps.chunks_exact_mut(channels));
                        for (column, (y, taps)) in pixels.enumerate() {
                            pool_pixel(x, shape, image, row, column, y, taps);
                        }
                    },
                );
            });
    };
    assert_eq!(
        x.len(),
        shape.batch * shape.height * shape.width * channels,
        "numbers of {shape:?}"
    );
    // SAFETY: the lines cover the output, and `pool_pixel` writes all channels.
    let y = unsafe { write_vec(shape.out_len(), run) };
    (y, taps)
}

#[inline(always)]
fn pool_pixel(
    x: &[f32],
    shape: &PoolShape,
    image: usize,
    row: usize,
    column: usize,
    y: &mut [Uninit],
    taps: &mut [u8],
) {
    let channels = shape.channels;
    let mut first = true;
    for i in window(row, shape.height) {
        for j in window(column, shape.width) {
            let tap = (i + 1 - 2 * row) * 3 + (j + 1 - 2 * column);
            let source =
                &x[((image * shape.height + i) * shape.width + j) * channels..][..channels];
            let tap = u8::try_from(tap).unwrap_or(u8::MAX);
            if first {
                for ((y, tap_of), value) in y.iter_mut().zip(&mut *taps).zip(source) {
                    y.write(*value);
                    *tap_of = tap;
                }
                first = false;
                continue;
            }
            for ((y, tap_of), value) in y.iter_mut().zip(&mut *taps).zip(source) {
                // SAFETY: the first pixel of the window wrote it.
                let old = unsafe { y.assume_init() };
                // NaN counts as the largest, as in PyTorch.
                let larger = *value > old || value.is_nan();
                y.write(if larger { *value } else { old });
                *tap_of = if larger { tap } else { *tap_of };
            }
        }
    }
}

/// Rows (columns) of the input under row (column) `i` of the output.
#[inline(always)]
fn window(i: usize, len: usize) -> Range<usize> {
    (2 * i).saturating_sub(1)..(2 * i + 2).min(len)
}

/// The gradient `[B, H, W, C]` of the input, given that of the output and the taps of [`forward`].
pub(crate) fn backward(dy: &[f32], taps: &[u8], shape: &PoolShape) -> Vec<f32> {
    let (channels, line) = (shape.channels, shape.width * shape.channels);
    let run = |dx: &mut [Uninit]| {
        dx.par_chunks_mut(line).enumerate().for_each(|(i, dx)| {
            let (image, row) = (i / shape.height, i % shape.height);
            vectorized(
                #[inline(always)]
                || {
                    for (column, dx) in dx.chunks_exact_mut(channels).enumerate() {
                        gather_pixel(dy, taps, shape, image, row, column, dx);
                    }
                },
            );
        });
    };
    assert_eq!(
        (dy.len(), taps.len()),
        (shape.out_len(), shape.out_len()),
        "numbers of the output of {shape:?}"
    );
    // SAFETY: the lines cover the gradient, and `gather_pixel` writes all channels.
    unsafe { write_vec(shape.batch * shape.height * line, run) }
}

/// Sums the gradients of the windows whose maximum is this pixel.
#[inline(always)]
fn gather_pixel(
    dy: &[f32],
    taps: &[u8],
    shape: &PoolShape,
    image: usize,
    row: usize,
    column: usize,
    dx: &mut [Uninit],
) {
    let mut first = true;
    for i in row / 2..(row / 2 + row % 2 + 1).min(shape.out_height()) {
        for j in column / 2..(column / 2 + column % 2 + 1).min(shape.out_width()) {
            let tap = (row + 1 - 2 * i) * 3 + (column + 1 - 2 * j);
            let tap = u8::try_from(tap).unwrap_or(u8::MAX);
            let start = ((image * shape.out_height() + i) * shape.out_width() + j) * shape.channels;
            let (dy, taps) = (
                &dy[start..start + shape.channels],
                &taps[start..start + shape.channels],
            );
            for ((dx, dy), tap_of) in dx.iter_mut().zip(dy).zip(taps) {
                let gradient = if *tap_of == tap { *dy } else { 0.0 };
                // SAFETY: the first window of the pixel wrote it.
                let old = if first {
                    0.0
                } else {
                    unsafe { dx.assume_init() }
                };
                dx.write(old + gradient);
            }
            first = false;
        }
    }
}

/// Means `[B, C]` over the pixels of `x`.
pub(crate) fn average(x: &[f32], shape: &PoolShape) -> Vec<f32> {
    let (channels, area) = (shape.channels, shape.height * shape.width);
    let factor = reciprocal(area);
    let mut means = vec![0.0; shape.batch * channels];
    means
        .par_chunks_mut(channels)
        .zip(x.par_chunks(area * channels))
        .for_each(|(means, x)| {
            vectorized(
                #[inline(always)]
                || {
                    for pixel in x.chunks_exact(channels) {
                        let pairs = means.iter_mut().zip(pixel);
                        pairs.for_each(|(sum, value)| *sum += value);
                    }
                    means.iter_mut().for_each(|sum| *sum *= factor);
                },
            );
        });
    means
}

/// The gradient of the input of [`average`], given that of the means.
pub(crate) fn average_backward(dy: &[f32], shape: &PoolShape) -> Vec<f32> {
    let (channels, area) = (shape.channels, shape.height * shape.width);
    let factor = reciprocal(area);
    let mut dx = vec![0.0; dy.len() * area];
    dx.par_chunks_mut(area * channels)
        .zip(dy.par_chunks(channels))
        .for_each(|(dx, dy)| {
            for pixel in dx.chunks_exact_mut(channels) {
                let pairs = pixel.iter_mut().zip(dy);
                pairs.for_each(|(dx, dy)| *dx = dy * factor);
            }
        });
    dx
}

/// The factor of a mean over `area` pixels.
#[expect(clippy::cast_possible_truncation, reason = "the numbers are f32")]
fn reciprocal(area: usize) -> f32 {
    (1.0 / area as f64) as f32
}
