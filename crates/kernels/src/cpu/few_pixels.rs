//! Convolution of few pixels, tap by tap.
//!
//! In the last stages of a ResNet on small images most taps of a kernel lie outside: of a 2×2 image each output pixel has
//! 4 of 9 within. Here each tap is a product by itself, over the pixels for which it lies inside, and the products are
//! summed up. A batch then has more weights than pixels, so that each job arranges the weights of a block of channels for
//! itself, in its core's cache.
#![expect(
    unsafe_code,
    reason = "jobs write different channels of the same activations and weights"
)]

mod products;

use std::ops::{Deref, Range};

use rayon::prelude::*;

use super::{
    batch_norm::Epilogue,
    buffer::{Disjoint, Scratch, Uninit, as_uninit, write_all},
    gemm::MOST_LANES,
    shape::ConvShape,
    simd::vectorized,
};
use products::{BLOCK, Pair, Pixels, add_products, sum_over_pairs};

/// Channels of the output that a job of the weights' gradient computes.
const GRADIENT_OUTPUTS: usize = 256;
/// Numbers of a filter that are arranged together.
const LINE: usize = MOST_LANES;
/// From so many pixels in the batch on, other algorithms are faster.
const PIXELS: usize = 600;

/// Returns `true` if the convolution has the form that this module computes.
pub(crate) fn has_form(shape: &ConvShape) -> bool {
    shape.in_channels.is_multiple_of(BLOCK) && shape.out_channels.is_multiple_of(BLOCK)
}

/// Returns `true` if this module computes the convolution faster than others.
pub(crate) fn applies(shape: &ConvShape) -> bool {
    has_form(shape) && shape.out_pixels() < PIXELS
}

/// The weights `[O, C, K, K]` as [`forward`] multiplies by them, `[O / BLOCK, K, K, C, BLOCK]`.
pub(crate) fn weights(weight: &[f32], shape: &ConvShape) -> Scratch {
    let mut arranged = Scratch::new(shape.weight_len());
    arranged
        .par_chunks_mut(BLOCK * shape.patch_len())
        .enumerate()
        .for_each(|(block, chunk)| arrange_outputs(weight, shape, block, chunk));
    arranged
}

/// Writes the output `[B, P, Q, O]` of `x` `[B, H, W, C]` and `weight` `[O, C, K, K]`, after the epilogue. `arranged` are
/// the weights by [`weights`], if they are kept.
pub(crate) fn forward(
    x: &[f32],
    weight: &[f32],
    arranged: Option<&[f32]>,
    shape: &ConvShape,
    epilogue: Option<Epilogue<'_>>,
    y: &mut [Uninit],
) {
    let (outputs, len) = (shape.out_channels, BLOCK * shape.patch_len());
    let taps = taps(shape);
    let y = Disjoint::new(y);
    let write = |block: usize, sums: &[f32]| {
        for (pixel, sums) in sums.chunks_exact(BLOCK).enumerate() {
            let (channel, first) = (block * BLOCK, pixel * outputs + block * BLOCK);
            // SAFETY: these channels of all pixels belong to this job alone.
            let target = write_all(unsafe { y.slice(first, BLOCK) }, sums.iter().copied());
            if let Some(epilogue) = epilogue {
                epilogue.apply_channels(first, channel, target);
            }
        }
    };
    let sum = TapSum {
        from: Pixels {
            numbers: x,
            channels: shape.in_channels,
        },
        taps: &taps,
        n_pixels: shape.out_pixels(),
        n_blocks: outputs / BLOCK,
    };
    match arranged {
        Some(arranged) => sum.compute(|block| &arranged[block * len..(block + 1) * len], write),
        None => {
            let block = |block| {
                let mut chunk = Scratch::new(len);
                arrange_outputs(weight, shape, block, &mut chunk);
                chunk
            };
            sum.compute(block, write);
        }
    }
}

/// Writes the gradient `[B, H, W, C]` of the input, given the output's `dy` `[B, P, Q, O]`.
pub(crate) fn input_gradient(dy: &[f32], weight: &[f32], shape: &ConvShape, dx: &mut [Uninit]) {
    let (channels, outputs) = (shape.in_channels, shape.out_channels);
    let mut taps = taps(shape);
    for pair in taps.iter_mut().flatten() {
        std::mem::swap(&mut pair.from, &mut pair.to);
    }
    let dx = Disjoint::new(dx);
    let sum = TapSum {
        from: Pixels {
            numbers: dy,
            channels: outputs,
        },
        taps: &taps,
        n_pixels: shape.in_len() / channels,
        n_blocks: channels / BLOCK,
    };
    sum.compute(
        |block| {
            let mut arranged = Scratch::new(shape.taps() * outputs * BLOCK);
            arrange_inputs(weight, shape, block, &mut arranged);
            arranged
        },
        |block, sums| {
            for (pixel, sums) in sums.chunks_exact(BLOCK).enumerate() {
                let first = pixel * channels + block * BLOCK;
                // SAFETY: these channels of all pixels belong to this job alone.
                write_all(unsafe { dx.slice(first, BLOCK) }, sums.iter().copied());
            }
        },
    );
}

/// Writes the gradient `[O, C, K, K]` of the weights.
pub(crate) fn weight_gradient(x: &[f32], dy: &[f32], shape: &ConvShape, dw: &mut [Uninit]) {
    let (channels, outputs, n_taps) = (shape.in_channels, shape.out_channels, shape.taps());
    let taps = taps(shape);
    let operands = [(x, channels), (dy, outputs)];
    let operands = operands.map(|(numbers, channels)| Pixels { numbers, channels });
    let dw = Disjoint::new(dw);
    let n_parts = outputs.div_ceil(GRADIENT_OUTPUTS);
    (0..channels / BLOCK * n_parts)
        .into_par_iter()
        .for_each(|job| {
            let first = job / n_parts * BLOCK;
            let rows = part(job % n_parts, GRADIENT_OUTPUTS, outputs);
            let len = rows.len() * BLOCK;
            let mut sums = Scratch::new(n_taps * len); // [K, K, outputs, BLOCK]
            for (tap, sums) in taps.iter().zip(sums.chunks_exact_mut(len)) {
                sum_over_pairs(operands, tap, first, rows.clone(), as_uninit(sums));
            }
            // SAFETY: the weights of these outputs and channels belong to this job alone.
            let filter = |output: usize| unsafe {
                dw.slice((output * channels + first) * n_taps, BLOCK * n_taps)
            };
            write_filters(&sums, n_taps, rows, filter);
        });
}

/// Writes sums `[K, K, outputs, BLOCK]` to the filters `[BLOCK, K, K]` of the outputs.
fn write_filters<'a>(
    sums: &[f32],
    taps: usize,
    outputs: Range<usize>,
    filter: impl Fn(usize) -> &'a mut [Uninit],
) {
    /// With a number of taps that the compiler knows.
    #[inline(always)]
    fn write<'a>(
        sums: &[f32],
        taps: usize,
        outputs: Range<usize>,
        filter: impl Fn(usize) -> &'a mut [Uninit],
    ) {
        let len = outputs.len() * BLOCK;
        for (i, output) in outputs.enumerate() {
            for (lane, kernel) in filter(output).chunks_exact_mut(taps).enumerate() {
                for (tap, weight) in kernel.iter_mut().enumerate() {
                    weight.write(sums[tap * len + i * BLOCK + lane]);
                }
            }
        }
    }
    match taps {
        9 => write(sums, 9, outputs, filter),
        taps => write(sums, taps, outputs, filter),
    }
}

/// For each tap, the pixels of the input that it takes to pixels of the output.
fn taps(shape: &ConvShape) -> Vec<Vec<Pair>> {
    // The position under a tap of the `i`-th output.
    let under = |i: usize, tap: usize, len: usize| {
        let position = (i * shape.stride + tap).checked_sub(shape.padding);
        position.filter(|&position| position < len)
    };
    let (height, width) = (shape.out_height(), shape.out_width());
    let pairs = |tap: usize| {
        let (tap_row, tap_column) = (tap / shape.kernel, tap % shape.kernel);
        let outputs = (0..shape.out_pixels()).filter_map(move |to| {
            let (image, pixel) = (to / (height * width), to % (height * width));
            let row = under(pixel / width, tap_row, shape.height)?;
            let column = under(pixel % width, tap_column, shape.width)?;
            let from = (image * shape.height + row) * shape.width + column;
            Some(Pair { from, to })
        });
        outputs.collect()
    };
    (0..shape.taps()).map(pairs).collect()
}

/// Sums over taps: the numbers of pixels `[from, channels]`, by the tap's weights `[channels, BLOCK]`.
struct TapSum<'a> {
    from: Pixels<'a>,
    taps: &'a [Vec<Pair>],
    /// Pixels that have a sum.
    n_pixels: usize,
    n_blocks: usize,
}

impl TapSum<'_> {
    /// Computes the sums of each block, `[pixels, BLOCK]`, with its weights `[K, K, channels, BLOCK]`.
    fn compute<W: Deref<Target = [f32]>>(
        &self,
        weights: impl Fn(usize) -> W + Sync,
        write: impl Fn(usize, &[f32]) + Sync,
    ) {
        (0..self.n_blocks).into_par_iter().for_each(|block| {
            let weights = weights(block);
            let weights = weights.chunks_exact(self.from.channels * BLOCK);
            let mut sums = Scratch::new(self.n_pixels * BLOCK);
            sums.fill(0.0);
            for (tap, weights) in self.taps.iter().zip(weights) {
                add_products(self.from, tap, weights, &mut sums);
            }
            write(block, &sums);
        });
    }
}

/// The range of this number among those of `len` numbers, each of `size` but the last.
fn part(number: usize, size: usize, len: usize) -> Range<usize> {
    number * size..((number + 1) * size).min(len)
}

/// Arranges the weights of a block of outputs as `[K, K, C, BLOCK]`.
fn arrange_outputs(weight: &[f32], shape: &ConvShape, block: usize, arranged: &mut [f32]) {
    let (taps, patch) = (shape.taps(), shape.patch_len());
    let filters = &weight[block * BLOCK * patch..][..BLOCK * patch];
    vectorized(
        #[inline(always)]
        || {
            for first in (0..patch).step_by(LINE) {
                // The filters lie a multiple of the cache's sets apart.
                let mut lines = [[0.0; LINE]; BLOCK];
                for (line, filter) in lines.iter_mut().zip(filters.chunks_exact(patch)) {
                    *line = *filter[first..].first_chunk().expect("whole lines");
                }
                for i in 0..LINE {
                    let (channel, tap) = ((first + i) / taps, (first + i) % taps);
                    let start = (tap * shape.in_channels + channel) * BLOCK;
                    let row = &mut arranged[start..start + BLOCK];
                    for (value, line) in row.iter_mut().zip(&lines) {
                        *value = line[i];
                    }
                }
            }
        },
    );
}

/// Arranges the weights of a block of inputs as `[K, K, O, BLOCK]`.
fn arrange_inputs(weight: &[f32], shape: &ConvShape, block: usize, arranged: &mut [f32]) {
    /// With a number of taps that the compiler knows.
    #[inline(always)]
    fn arrange(taps: usize, weight: &[f32], shape: &ConvShape, block: usize, arranged: &mut [f32]) {
        for (output, filter) in weight.chunks_exact(shape.patch_len()).enumerate() {
            let filter = &filter[block * BLOCK * taps..][..BLOCK * taps];
            for tap in 0..taps {
                let start = (tap * shape.out_channels + output) * BLOCK;
                let row = &mut arranged[start..start + BLOCK];
                for (lane, value) in row.iter_mut().enumerate() {
                    *value = filter[lane * taps + tap];
                }
            }
        }
    }
    vectorized(
        #[inline(always)]
        || match shape.taps() {
            9 => arrange(9, weight, shape, block, arranged),
            taps => arrange(taps, weight, shape, block, arranged),
        },
    );
}
