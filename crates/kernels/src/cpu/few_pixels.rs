//! Convolution of few pixels, as products with the weights as they are stored.
//!
//! In the last stages of a ResNet on small images, a batch has few pixels and many weights, and to pack the weights costs
//! as much as the product. Here the patches, `[C, K, K]` under a pixel, are packed in their stead; the weights
//! `[O, C · K · K]` are an operand where they lie, and their gradient is written in place.
#![expect(
    unsafe_code,
    reason = "jobs write different channels of the same activations and weights"
)]

use std::ops::Range;

use rayon::prelude::*;

use super::{
    batch_norm::Epilogue,
    buffer::{Disjoint, Scratch, Uninit, as_uninit, fill_zeros, write_all},
    gemm::{MOST_LANES, Product, Right, packed_len, panel_width},
    shape::ConvShape,
};

/// Channels of the input that a job takes: those of a tap fill whole panels, whatever the instruction set.
const CHANNELS: usize = 2 * MOST_LANES;
/// Channels of the output that a job of the output computes; a multiple of every microkernel's rows.
const OUTPUTS: usize = 24;
/// Pixels whose output a job computes; whole panels, whatever the instruction set.
const JOB_PIXELS: usize = 192;
/// Channels of the output that a job of the weights' gradient computes.
const GRADIENT_OUTPUTS: usize = 256;
/// From so many pixels in the batch on, other algorithms are faster.
const PIXELS: usize = 600;

/// Returns `true` if the convolution has the form that this module computes.
pub(crate) fn has_form(shape: &ConvShape) -> bool {
    shape.in_channels.is_multiple_of(CHANNELS)
}

/// Returns `true` if this module computes the convolution faster than others.
pub(crate) fn applies(shape: &ConvShape) -> bool {
    has_form(shape) && shape.out_pixels() < PIXELS
}

/// Writes the output `[B, P, Q, O]` of `x` `[B, H, W, C]` and `weight` `[O, C, K, K]`, after the epilogue.
pub(crate) fn forward(
    x: &[f32],
    weight: &[f32],
    shape: &ConvShape,
    epilogue: Option<Epilogue<'_>>,
    y: &mut [Uninit],
) {
    let (pixels, outputs, depth) = (shape.out_pixels(), shape.out_channels, shape.patch_len());
    let patches = patches_by_pixel(x, shape);
    let y = Disjoint::new(y);
    let n_parts = pixels.div_ceil(JOB_PIXELS);
    (0..outputs.div_ceil(OUTPUTS) * n_parts)
        .into_par_iter()
        .for_each(|job| {
            let range = part(job / n_parts, OUTPUTS, outputs);
            let pixels = part(job % n_parts, JOB_PIXELS, pixels);
            let mut product = Scratch::new(range.len() * pixels.len()); // [outputs, pixels]
            Product {
                rows: range.len(),
                columns: pixels.len(),
                depth,
                left: &weight[range.start * depth..],
                row_stride: depth,
                depth_stride: 1,
                right: Right::Panels(&patches[pixels.start * depth..]),
            }
            .store(as_uninit(&mut product), pixels.len());
            for (i, pixel) in pixels.clone().enumerate() {
                let first = pixel * outputs + range.start;
                // SAFETY: these outputs of these pixels belong to this job alone.
                let target = unsafe { y.slice(first, range.len()) };
                let lines = product.chunks_exact(pixels.len());
                let target = write_all(target, lines.map(|line| line[i]));
                if let Some(epilogue) = epilogue {
                    epilogue.apply_channels(first, range.start, target);
                }
            }
        });
}

/// Writes the gradient `[B, H, W, C]` of the input, given the output's `dy` `[B, P, Q, O]`.
pub(crate) fn input_gradient(dy: &[f32], weight: &[f32], shape: &ConvShape, dx: &mut [Uninit]) {
    let (taps, columns) = (shape.taps(), CHANNELS * shape.taps());
    let sources = sources(shape);
    let dx = Disjoint::new(fill_zeros(dx));
    jobs(shape.in_channels, CHANNELS).for_each(|channels| {
        let mut patches = Scratch::new(shape.out_pixels() * columns); // [pixels, channels, taps]
        Product {
            rows: shape.out_pixels(),
            columns,
            depth: shape.out_channels,
            left: dy,
            row_stride: shape.out_channels,
            depth_stride: 1,
            right: Right::Rows {
                numbers: &weight[channels.start * taps..],
                stride: shape.patch_len(),
            },
        }
        .store(as_uninit(&mut patches), columns);
        for (patch, sources) in patches
            .chunks_exact(columns)
            .zip(sources.chunks_exact(taps))
        {
            for (tap, source) in sources.iter().enumerate() {
                let Some(source) = source else { continue };
                // SAFETY: these channels of all pixels belong to this job alone.
                let sums = unsafe { dx.slice(source + channels.start, CHANNELS) };
                for (sum, values) in sums.iter_mut().zip(patch.chunks_exact(taps)) {
                    *sum += values[tap];
                }
            }
        }
    });
}

/// Writes the gradient `[O, C, K, K]` of the weights.
pub(crate) fn weight_gradient(x: &[f32], dy: &[f32], shape: &ConvShape, dw: &mut [Uninit]) {
    let (taps, columns) = (shape.taps(), CHANNELS * shape.taps());
    let (pixels, patch_len) = (shape.out_pixels(), shape.patch_len());
    let sources = sources(shape);
    assert_eq!(dw.len(), shape.weight_len(), "numbers of the gradient");
    let dw = Disjoint::new(dw);
    jobs(shape.in_channels, CHANNELS).for_each(|channels| {
        let mut patches = Scratch::new(pixels * columns); // [pixels, channels, taps]
        for (patch, sources) in patches
            .chunks_exact_mut(columns)
            .zip(sources.chunks_exact(taps))
        {
            for (tap, source) in sources.iter().enumerate() {
                let source = channels_at(x, *source, channels.start);
                for (values, &value) in patch.chunks_exact_mut(taps).zip(source) {
                    values[tap] = value;
                }
            }
        }
        jobs(shape.out_channels, GRADIENT_OUTPUTS).for_each(|outputs| {
            let product = Product {
                rows: outputs.len(),
                columns,
                depth: pixels,
                left: &dy[outputs.start..],
                row_stride: 1,
                depth_stride: shape.out_channels,
                right: Right::Rows {
                    numbers: &patches,
                    stride: columns,
                },
            };
            let address = dw.address(outputs.start * patch_len + channels.start * taps);
            // SAFETY: the weights of these outputs and channels are within `dw`, by the assertion, and belong to this
            // job alone.
            unsafe { product.run(address.cast(), patch_len, false) };
        });
    });
}

/// The ranges of `len` numbers, each of `size` but the last, in parallel.
fn jobs(len: usize, size: usize) -> impl IndexedParallelIterator<Item = Range<usize>> {
    (0..len.div_ceil(size))
        .into_par_iter()
        .map(move |job| part(job, size, len))
}

/// The range of this number among those of `len` numbers, each of `size` but the last.
fn part(number: usize, size: usize, len: usize) -> Range<usize> {
    number * size..((number + 1) * size).min(len)
}

/// The patches as the right matrix `[C · K · K, pixels]`, in panels.
fn patches_by_pixel(x: &[f32], shape: &ConvShape) -> Scratch {
    let (width, taps) = (panel_width(), shape.taps());
    let n_blocks = shape.in_channels / CHANNELS;
    let sources = sources(shape);
    let mut packed = Scratch::new(packed_len(shape.patch_len(), shape.out_pixels()));
    packed
        .par_chunks_mut(CHANNELS * taps * width)
        .enumerate()
        .for_each(|(job, chunk)| {
            let (panel, channel) = (job / n_blocks, job % n_blocks * CHANNELS);
            for tap in 0..taps {
                let mut lanes = [&ZEROS; 2 * MOST_LANES];
                for (lane, pixel) in lanes.iter_mut().zip(panel * width..(panel + 1) * width) {
                    let source = sources.get(pixel * taps + tap).copied().flatten();
                    *lane = channels_at(x, source, channel);
                }
                for channel in 0..CHANNELS {
                    let row = &mut chunk[(channel * taps + tap) * width..][..width];
                    for (value, lane) in row.iter_mut().zip(&lanes) {
                        *value = lane[channel];
                    }
                }
            }
        });
    packed
}

/// What stands outside of an image.
static ZEROS: [f32; CHANNELS] = [0.0; CHANNELS];

/// A job's channels of the pixel at `source`, from `first` on.
fn channels_at(x: &[f32], source: Option<usize>, first: usize) -> &[f32; CHANNELS] {
    let channels = source.and_then(|source| x[source + first..].first_chunk());
    channels.unwrap_or(&ZEROS)
}

/// For each output pixel and tap, the first of the input pixel's numbers in the activations; none outside the image.
fn sources(shape: &ConvShape) -> Vec<Option<usize>> {
    let mut sources = Vec::with_capacity(shape.out_pixels() * shape.taps());
    // The positions under a kernel whose output is the `i`-th.
    let under = |i: usize, len: usize| {
        (i * shape.stride..i * shape.stride + shape.kernel).map(move |position| {
            let position = position.checked_sub(shape.padding);
            position.filter(|&position| position < len)
        })
    };
    for image in 0..shape.batch {
        for row in 0..shape.out_height() {
            for column in 0..shape.out_width() {
                for y in under(row, shape.height) {
                    let line = y.map(|y| (image * shape.height + y) * shape.width);
                    sources.extend(under(column, shape.width).map(|x| {
                        let (line, x) = (line?, x?);
                        Some((line + x) * shape.in_channels)
                    }));
                }
            }
        }
    }
    sources
}
