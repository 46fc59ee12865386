//! The gradient of the weights, `Gᵀ [Σ (Bᵀ x B) ⊙ (A dy Aᵀ)] G`: the adjoint of the forward transforms.
#![expect(unsafe_code, reason = "jobs write different tiles of the same planes")]

use std::ops::Range;

use rayon::prelude::*;

use super::{
    super::{
        buffer::{Disjoint, Scratch, Uninit, as_uninit},
        gemm::{Product, packed_len, panel_width},
        shape::ConvShape,
        simd::vectorized,
    },
    tiles::{GROUP, PLANE_GAP, PLANES, Tiles},
    transform::{G, Group, ZERO, copy, gradient_tile, input_tile},
};

/// Writes the gradient `[O, C, 3, 3]` of the weights from `x` `[B, H, W, C]` and `dy` `[B, H, W, O]`.
pub(crate) fn weight_gradient(x: &[f32], dy: &[f32], shape: &ConvShape, dw: &mut [Uninit]) {
    let gradient = Gradient {
        x,
        dy,
        shape,
        tiles: Tiles::new(shape),
    };
    if shape.in_channels * shape.out_channels < 128 * 128 {
        gradient.blocked(dw);
    } else {
        gradient.phased(dw);
    }
}

/// Parts into which the blocked variant cuts the tiles, each with a sum of its own.
const PARTS: usize = 8;
/// Tiles that one job transforms in the phased variant.
const TILES_PER_JOB: usize = 8;

struct Gradient<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    shape: &'a ConvShape,
    tiles: Tiles,
}

impl Gradient<'_> {
    /// Each job takes the tiles of its part through all phases, a block at a time, into a sum of its own.
    fn blocked(&self, dw: &mut [Uninit]) {
        let (channels, outputs) = (self.shape.in_channels, self.shape.out_channels);
        let block = (220_000 / (PLANES * (channels + outputs))).clamp(24, 96);
        let n_blocks = self.tiles.count.div_ceil(block);
        let n_parts = PARTS.min(n_blocks);
        let sum_len = PLANES * channels * outputs;
        let (in_plane, out_plane) = (
            block * channels + PLANE_GAP,
            packed_len(block, outputs) + PLANE_GAP,
        );
        let mut sums = Scratch::new(n_parts * sum_len);
        sums.par_chunks_mut(sum_len)
            .enumerate()
            .for_each(|(part, sum)| {
                let mut transformed = Scratch::new(PLANES * in_plane);
                let mut gradients = Scratch::new(PLANES * out_plane);
                let blocks = part * n_blocks / n_parts..(part + 1) * n_blocks / n_parts;
                for i in blocks.clone() {
                    let range = i * block..((i + 1) * block).min(self.tiles.count);
                    let inputs = Disjoint::new(&mut transformed[..]);
                    let outputs_planes = Disjoint::new(&mut gradients[..]);
                    self.transform(
                        range.clone(),
                        &range,
                        inputs,
                        in_plane,
                        outputs_planes,
                        out_plane,
                    );
                    for (frequency, sum) in sum.chunks_exact_mut(channels * outputs).enumerate() {
                        let left = &transformed[frequency * in_plane..];
                        let right = &gradients[frequency * out_plane..];
                        self.multiply(channels, range.len(), left, right, sum, i > blocks.start);
                    }
                }
            });
        self.transform_back(&sums, dw);
    }

    /// The phases alternate on blocks of tiles, each phase in parallel.
    fn phased(&self, dw: &mut [Uninit]) {
        let (channels, outputs) = (self.shape.in_channels, self.shape.out_channels);
        let block = (1_500_000 / (PLANES * (channels + outputs)))
            .max(128)
            .min(self.tiles.count);
        let (in_plane, out_plane) = (
            block * channels + PLANE_GAP,
            packed_len(block, outputs) + PLANE_GAP,
        );
        let mut transformed = Scratch::new(PLANES * in_plane);
        let mut gradients = Scratch::new(PLANES * out_plane);
        let mut sum = Scratch::new(PLANES * channels * outputs);
        // Large products are cut, for balance, in blocks of rows.
        let rows = if channels >= 256 && channels.is_multiple_of(4) {
            channels / 4
        } else {
            channels
        };
        for first in (0..self.tiles.count).step_by(block) {
            let range = first..(first + block).min(self.tiles.count);
            let (inputs, gradient_planes) = (
                Disjoint::new(&mut transformed[..]),
                Disjoint::new(&mut gradients[..]),
            );
            (0..range.len().div_ceil(TILES_PER_JOB))
                .into_par_iter()
                .for_each(|job| {
                    let start = range.start + job * TILES_PER_JOB;
                    let some = start..(start + TILES_PER_JOB).min(range.end);
                    self.transform(some, &range, inputs, in_plane, gradient_planes, out_plane);
                });
            sum.par_chunks_mut(rows * outputs)
                .enumerate()
                .for_each(|(job, sum)| {
                    let (frequency, row) = (job * rows / channels, job * rows % channels);
                    let left = &transformed[frequency * in_plane + row..];
                    let right = &gradients[frequency * out_plane..];
                    self.multiply(rows, range.len(), left, right, sum, first > 0);
                });
        }
        self.transform_back(&sum, dw);
    }

    /// One frequency's product `[rows, O]` over `depth` tiles.
    fn multiply(
        &self,
        rows: usize,
        depth: usize,
        left: &[f32],
        right: &[f32],
        sum: &mut [f32],
        add: bool,
    ) {
        let columns = self.shape.out_channels;
        let depth_stride = self.shape.in_channels;
        let product = Product {
            rows,
            columns,
            depth,
            left,
            row_stride: 1,
            depth_stride,
            right,
        };
        if add {
            product.add(sum, columns);
        } else {
            product.store(as_uninit(sum), columns);
        }
    }

    /// Transforms the tiles of `range`, of the block `block`: inputs row by row, gradients in panels.
    fn transform(
        &self,
        range: Range<usize>,
        block: &Range<usize>,
        inputs: Disjoint<'_, f32>,
        in_plane: usize,
        gradients: Disjoint<'_, f32>,
        out_plane: usize,
    ) {
        let (channels, outputs) = (self.shape.in_channels, self.shape.out_channels);
        let (width, step) = (panel_width(), panel_width().min(GROUP));
        vectorized(
            #[inline(always)]
            || {
                for tile in range.clone() {
                    let (position, index) = (self.tiles.position(tile), tile - block.start);
                    for channel in (0..channels).step_by(GROUP) {
                        let transformed =
                            input_tile(self.x, &self.tiles, position, channels, channel);
                        for (i, group) in transformed.iter().flatten().enumerate() {
                            let offset = i * in_plane + index * channels + channel;
                            // SAFETY: these channels of this tile belong to this job alone.
                            unsafe { inputs.slice(offset, GROUP) }.copy_from_slice(group);
                        }
                    }
                    for channel in (0..outputs).step_by(GROUP) {
                        let transformed =
                            gradient_tile(self.dy, &self.tiles, position, outputs, channel);
                        for (i, group) in transformed.iter().flatten().enumerate() {
                            for (lanes, first) in
                                group.chunks_exact(step).zip((channel..).step_by(step))
                            {
                                let row = first / width * block.len() + index;
                                let offset = i * out_plane + row * width + first % width;
                                // SAFETY: as above.
                                copy(unsafe { gradients.slice(offset, step) }, lanes);
                            }
                        }
                    }
                }
            },
        );
    }

    /// `Gᵀ S G`, where `S` is the sum of `sums`, each `[36][C][O]`, in order.
    fn transform_back(&self, sums: &[f32], dw: &mut [Uninit]) {
        let (channels, outputs) = (self.shape.in_channels, self.shape.out_channels);
        let sum_len = PLANES * channels * outputs;
        dw.par_chunks_mut(GROUP * channels * 9)
            .enumerate()
            .for_each(|(block, dw)| {
                vectorized(
                    #[inline(always)]
                    || {
                        for channel in 0..channels {
                            let offset = channel * outputs + block * GROUP;
                            let kernels =
                                transformed_back(sums, sum_len, channels * outputs, offset);
                            for (tap, kernel) in kernels.iter().enumerate() {
                                for (output, &value) in kernel.iter().enumerate() {
                                    dw[(output * channels + channel) * 9 + tap].write(value);
                                }
                            }
                        }
                    },
                );
            });
    }
}

/// The 3×3 kernels of a group of outputs, from sums which lie at `offset` in each plane.
#[inline(always)]
fn transformed_back(sums: &[f32], sum_len: usize, plane: usize, offset: usize) -> [Group; 9] {
    let mut rows = [[ZERO; 6]; 3]; // Gᵀ S
    for frequency in 0..PLANES {
        let mut sum = ZERO;
        for part in sums.chunks_exact(sum_len) {
            let values = &part[frequency * plane + offset..][..GROUP];
            for lane in 0..GROUP {
                sum[lane] += values[lane];
            }
        }
        for (row, factor) in rows.iter_mut().zip(G[frequency / 6]) {
            add_scaled(&mut row[frequency % 6], factor, &sum);
        }
    }
    let mut kernels = [ZERO; 9];
    for (tap, kernel) in kernels.iter_mut().enumerate() {
        for (column, factors) in rows[tap / 3].iter().zip(&G) {
            add_scaled(kernel, factors[tap % 3], column);
        }
    }
    kernels
}

#[inline(always)]
fn add_scaled(sum: &mut Group, factor: f32, group: &Group) {
    for (sum, value) in sum.iter_mut().zip(group) {
        *sum = factor.mul_add(*value, *sum);
    }
}
