//! Convolution of any kernel and stride as a product with the matrix of patches.
//!
//! Row `p` of that matrix is the patch `[K, K, C]` under output pixel `p`, zero outside the image; it is built
//! a block at a time, in the cache. A pointwise convolution needs no copy: its patches are the activations.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    batch_norm::Epilogue,
    buffer::{Scratch, Uninit, as_uninit, fill_zeros},
    gemm::{Product, packed_len},
    pack,
    shape::ConvShape,
    simd::vectorized,
};

/// Pixels whose gradients one product sums up.
const GRADIENT_BLOCK: usize = 256;
/// Rows of the weights' gradient that one job computes.
const GRADIENT_ROWS: usize = 128;
/// Below so few channels, patches are copied whole rather than a tap at a time.
const FEW_CHANNELS: usize = 16;

/// Writes the output `[B, P, Q, O]` of `x` `[B, H, W, C]`, after the epilogue. `panels` are the weights by
/// [`pack::weights_by_patch`].
pub(crate) fn forward(
    x: &[f32],
    panels: &[f32],
    shape: &ConvShape,
    epilogue: Option<Epilogue<'_>>,
    y: &mut [Uninit],
) {
    let (columns, depth, block) = (
        shape.out_channels,
        shape.patch_len(),
        pixels_per_block(shape),
    );
    y.par_chunks_mut(block * columns)
        .enumerate()
        .for_each(|(i, y)| {
            let pixels = i * block..i * block + y.len() / columns;
            let product = |left| Product {
                rows: pixels.len(),
                columns,
                depth,
                left,
                row_stride: depth,
                depth_stride: 1,
                right: panels,
            };
            let y = if shape.is_pointwise() {
                product(&x[pixels.start * depth..]).fill(y)
            } else {
                let mut patches = Scratch::new(pixels.len() * depth);
                copy_patches(x, shape, pixels.clone(), &mut patches);
                product(&patches).fill(y)
            };
            if let Some(epilogue) = epilogue {
                epilogue.apply(pixels.start * columns, y);
            }
        });
}

/// Writes the gradient `[B, H, W, C]` of the input, given the output's `dy` `[B, P, Q, O]`.
pub(crate) fn input_gradient(dy: &[f32], weight: &[f32], shape: &ConvShape, dx: &mut [Uninit]) {
    let packed = pack::weights_by_output(weight, shape);
    let (depth, columns, block) = (
        shape.out_channels,
        shape.patch_len(),
        pixels_per_block(shape),
    );
    let product = |rows: usize, first: usize| Product {
        rows,
        columns,
        depth,
        left: &dy[first * depth..],
        row_stride: depth,
        depth_stride: 1,
        right: &packed,
    };
    if shape.is_pointwise() {
        dx.par_chunks_mut(block * columns)
            .enumerate()
            .for_each(|(i, dx)| {
                product(dx.len() / columns, i * block).store(dx, columns);
            });
        return;
    }
    let area = shape.out_area();
    dx.par_chunks_mut(shape.height * shape.width * shape.in_channels)
        .enumerate()
        .for_each(|(image, dx)| {
            let dx = fill_zeros(dx);
            let mut patches = Scratch::new(block * columns);
            for first in (0..area).step_by(block) {
                let pixels = first..(first + block).min(area);
                let patches = &mut patches[..pixels.len() * columns];
                product(pixels.len(), image * area + first).store(as_uninit(patches), columns);
                add_patches(patches, shape, pixels, dx);
            }
        });
}

/// Writes the gradient `[O, C, K, K]` of the weights.
pub(crate) fn weight_gradient(x: &[f32], dy: &[f32], shape: &ConvShape, dw: &mut [Uninit]) {
    let (outputs, pixels) = (shape.out_channels, shape.out_pixels());
    let n_blocks = pixels.div_ceil(GRADIENT_BLOCK);
    let block_pixels =
        |block: usize| block * GRADIENT_BLOCK..((block + 1) * GRADIENT_BLOCK).min(pixels);
    let block_len = packed_len(GRADIENT_BLOCK, outputs);
    let pack_block = |block: usize, packed: &mut [f32]| {
        let pixels = block_pixels(block);
        let dy = &dy[pixels.start * outputs..pixels.end * outputs];
        pack::rows(dy, outputs, packed);
    };
    // A block that several jobs need is packed once, before them.
    let shared = (shape.in_channels >= FEW_CHANNELS).then(|| {
        let mut packed = Scratch::new(n_blocks * block_len);
        let blocks = packed.par_chunks_mut(block_len).enumerate();
        blocks.for_each(|(block, packed)| pack_block(block, packed));
        packed
    });
    // Small gradients are split over pixels too, or there would be too few jobs; the number of parts depends on
    // the sizes alone, and they are merged in order.
    let n_parts = ((1 << 19) / shape.weight_len()).clamp(1, 16).min(n_blocks);
    let mut parts = Scratch::new(n_parts * shape.weight_len());
    gradient_jobs(&mut parts, n_parts, shape)
        .into_par_iter()
        .for_each(|(part, rows, sum)| {
            let mut patches = Scratch::new(GRADIENT_BLOCK * rows.len());
            let mut own: Option<Scratch> = None;
            let blocks = part * n_blocks / n_parts..(part + 1) * n_blocks / n_parts;
            for block in blocks.clone() {
                let pixels = block_pixels(block);
                let (left, depth_stride) = if shape.is_pointwise() {
                    (
                        &x[pixels.start * shape.in_channels + rows.start..],
                        shape.in_channels,
                    )
                } else {
                    copy_patch_rows(x, shape, pixels.clone(), &rows, &mut patches);
                    (&patches[..], rows.len())
                };
                let right = match (&shared, &mut own) {
                    (Some(packed), _) => &packed[block * block_len..],
                    (None, own) => {
                        let packed = own.get_or_insert_with(|| Scratch::new(block_len));
                        pack_block(block, packed);
                        &packed[..]
                    }
                };
                let product = Product {
                    rows: rows.len(),
                    columns: outputs,
                    depth: pixels.len(),
                    left,
                    row_stride: 1,
                    depth_stride,
                    right,
                };
                if block == blocks.start {
                    product.store(as_uninit(sum), outputs);
                } else {
                    product.add(sum, outputs);
                }
            }
        });
    merge_parts(&parts, shape, dw);
}

/// The jobs of the weights' gradient: part, rows of the patch, and the slice of their sum `[rows, O]`.
fn gradient_jobs<'a>(
    mut parts: &'a mut [f32],
    n_parts: usize,
    shape: &ConvShape,
) -> Vec<(usize, Range<usize>, &'a mut [f32])> {
    let (channels, patch) = (shape.in_channels, shape.patch_len());
    let mut jobs = Vec::new();
    for part in 0..n_parts {
        let mut row = 0;
        while row < patch {
            let end = if channels < FEW_CHANNELS {
                patch
            } else {
                // A block of rows stays within one tap.
                (row + GRADIENT_ROWS).min((row / channels + 1) * channels)
            };
            let (sum, rest) = parts.split_at_mut((end - row) * shape.out_channels);
            jobs.push((part, row..end, sum));
            (row, parts) = (end, rest);
        }
    }
    jobs
}

/// Sums `parts`, each `[K·K·C, O]`, into `dw` `[O, C, K, K]`.
fn merge_parts(parts: &[f32], shape: &ConvShape, dw: &mut [Uninit]) {
    const BLOCK: usize = 16;
    let (channels, outputs, patch) = (shape.in_channels, shape.out_channels, shape.patch_len());
    let taps = shape.taps();
    dw.par_chunks_mut(BLOCK * patch)
        .enumerate()
        .for_each(|(block, dw)| {
            let n = dw.len() / patch;
            for row in 0..patch {
                let (tap, channel) = (row / channels, row % channels);
                let mut sums = [0.0_f32; BLOCK];
                for part in parts.chunks_exact(patch * outputs) {
                    let values = &part[row * outputs + block * BLOCK..][..n];
                    sums.iter_mut()
                        .zip(values)
                        .for_each(|(sum, value)| *sum += value);
                }
                for (output, &sum) in sums[..n].iter().enumerate() {
                    dw[(output * channels + channel) * taps + tap].write(sum);
                }
            }
        });
}

/// Output pixels whose patches fit half of a core's cache; a multiple of every microkernel's rows.
fn pixels_per_block(shape: &ConvShape) -> usize {
    (128 * 1024 / shape.patch_len()).clamp(48, 768) / 24 * 24
}

/// Visits a patch: calls `visit` with rows of the patch and either the first of their numbers in the activations, or
/// `None` outside the image. Rows that are contiguous in the activations come together.
#[inline(always)]
fn visit_patch(
    shape: &ConvShape,
    pixel: usize,
    mut visit: impl FnMut(Range<usize>, Option<usize>),
) {
    let (area, channels, kernel) = (shape.out_area(), shape.in_channels, shape.kernel);
    let (image, row, column) = (
        pixel / area,
        pixel % area / shape.out_width(),
        pixel % area % shape.out_width(),
    );
    let line = kernel * channels;
    let left = (column * shape.stride).checked_sub(shape.padding);
    for tap_row in 0..kernel {
        let rows = tap_row * line..(tap_row + 1) * line;
        let y = (row * shape.stride + tap_row)
            .checked_sub(shape.padding)
            .filter(|&y| y < shape.height);
        let Some(y) = y else {
            visit(rows, None);
            continue;
        };
        let start = (image * shape.height + y) * shape.width;
        if let Some(left) = left.filter(|left| left + kernel <= shape.width) {
            visit(rows, Some((start + left) * channels));
            continue;
        }
        for tap in 0..kernel {
            let x = (column * shape.stride + tap)
                .checked_sub(shape.padding)
                .filter(|&x| x < shape.width);
            let first = rows.start + tap * channels;
            visit(first..first + channels, x.map(|x| (start + x) * channels));
        }
    }
}

/// Copies the patches of `pixels`, one a row.
fn copy_patches(x: &[f32], shape: &ConvShape, pixels: Range<usize>, patches: &mut [f32]) {
    for (pixel, patch) in pixels.zip(patches.chunks_exact_mut(shape.patch_len())) {
        visit_patch(shape, pixel, |rows, source| match source {
            Some(start) => {
                let len = rows.len();
                patch[rows].copy_from_slice(&x[start..start + len]);
            }
            None => patch[rows].fill(0.0),
        });
    }
}

/// Adds the gradients of the patches of `pixels` of one image to that image's `dx`.
fn add_patches(patches: &[f32], shape: &ConvShape, pixels: Range<usize>, dx: &mut [f32]) {
    vectorized(
        #[inline(always)]
        || {
            for (pixel, patch) in pixels.clone().zip(patches.chunks_exact(shape.patch_len())) {
                visit_patch(shape, pixel, |rows, target| {
                    if let Some(start) = target {
                        let dx = &mut dx[start..start + rows.len()];
                        dx.iter_mut()
                            .zip(&patch[rows])
                            .for_each(|(sum, value)| *sum += value);
                    }
                });
            }
        },
    );
}

/// Copies the given rows of the patches of `pixels`: all of them, or some channels of one tap.
fn copy_patch_rows(
    x: &[f32],
    shape: &ConvShape,
    pixels: Range<usize>,
    rows: &Range<usize>,
    patches: &mut [f32],
) {
    if rows.len() == shape.patch_len() {
        return copy_patches(x, shape, pixels, patches);
    }
    let channels = shape.in_channels;
    let (tap, first) = (rows.start / channels, rows.start % channels);
    let (area, width) = (shape.out_area(), shape.out_width());
    for (pixel, patch) in pixels.zip(patches.chunks_exact_mut(rows.len())) {
        let (image, row, column) = (pixel / area, pixel % area / width, pixel % area % width);
        let y = (row * shape.stride + tap / shape.kernel)
            .checked_sub(shape.padding)
            .filter(|&y| y < shape.height);
        let column = (column * shape.stride + tap % shape.kernel).checked_sub(shape.padding);
        match (y, column.filter(|&column| column < shape.width)) {
            (Some(y), Some(column)) => {
                let start = ((image * shape.height + y) * shape.width + column) * channels + first;
                patch.copy_from_slice(&x[start..start + rows.len()]);
            }
            _ => patch.fill(0.0),
        }
    }
}
