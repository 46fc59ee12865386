//! The transform of weights, `G w Gᵀ`, packed for the products.
#![expect(unsafe_code, reason = "jobs write the same parts of different planes")]

use rayon::prelude::*;

use super::{
    super::{
        buffer::{Disjoint, Scratch},
        gemm::{packed_len, panel_width},
        shape::ConvShape,
        simd::vectorized,
    },
    tiles::{GROUP, PLANE_GAP, PLANES},
    transform::{G, Group, ZERO, copy},
};

/// Direction in which the weights are applied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From `C` to `O` channels.
    Forward,
    /// From `O` to `C` channels, with the kernel turned by 180°.
    Backward,
}

/// Transformed weights, a packed matrix for each of the 36 frequencies.
#[derive(Debug)]
pub(crate) struct Weights {
    packed: Scratch,
    plane: usize,
    /// Channels of the activations that the weights apply to.
    pub(super) inputs: usize,
    /// Channels of the result.
    pub(super) outputs: usize,
}

/// Input channels of one job.
const BLOCK: usize = 8;
/// Groups of a panel, at most.
const MOST_GROUPS: usize = 2;

impl Weights {
    /// Transforms `weight` `[O, C, 3, 3]`.
    pub(super) fn new(weight: &[f32], shape: &ConvShape, direction: Direction) -> Self {
        let (inputs, outputs) = match direction {
            Direction::Forward => (shape.in_channels, shape.out_channels),
            Direction::Backward => (shape.out_channels, shape.in_channels),
        };
        let plane = packed_len(inputs, outputs) + PLANE_GAP;
        let mut packed = Scratch::new(PLANES * plane);
        let shared = Disjoint::new(&mut packed[..]);
        let (width, step) = (panel_width(), panel_width().min(GROUP));
        let n_panels = outputs.div_ceil(width);
        (0..n_panels * inputs.div_ceil(BLOCK))
            .into_par_iter()
            .for_each(|job| {
                let (panel, first) = (job % n_panels, job / n_panels * BLOCK);
                let channels = first..(first + BLOCK).min(inputs);
                vectorized(
                    #[inline(always)]
                    || {
                        // Together, so that whole lines of the cache are written.
                        let mut block = [[[ZERO; MOST_GROUPS]; BLOCK]; PLANES];
                        for (group, lane) in (0..width).step_by(step).enumerate() {
                            for input in channels.clone() {
                                let output = panel * width + lane;
                                let kernels = gather(weight, shape, direction, input, output);
                                let transformed = transformed(&kernels);
                                for (plane, values) in block.iter_mut().zip(&transformed) {
                                    plane[input - first][group] = *values;
                                }
                            }
                        }
                        for (i, inputs_block) in block.iter().enumerate() {
                            for (input, groups) in channels.clone().zip(inputs_block) {
                                for (group, lane) in (0..width).step_by(step).enumerate() {
                                    let offset =
                                        i * plane + (panel * inputs + input) * width + lane;
                                    // SAFETY: panel, input and lane belong to this job alone.
                                    let target = unsafe { shared.slice(offset, step) };
                                    copy(target, &groups[group]);
                                }
                            }
                        }
                    },
                );
            });
        Self {
            packed,
            plane,
            inputs,
            outputs,
        }
    }

    /// The same in memory of its own.
    pub(crate) fn kept(self) -> Self {
        Self {
            packed: self.packed.kept(),
            ..self
        }
    }

    /// The right matrix `[inputs, outputs]` of a frequency, from column `first` on, a multiple of the panels' width.
    pub(super) fn matrix(&self, frequency: usize, first: usize) -> &[f32] {
        &self.packed[frequency * self.plane + first * self.inputs..(frequency + 1) * self.plane]
    }
}

/// The kernels from `input` to a group of outputs from `output` on; zero beyond the last.
#[inline(always)]
fn gather(
    weight: &[f32],
    shape: &ConvShape,
    direction: Direction,
    input: usize,
    output: usize,
) -> [Group; 9] {
    let mut kernels = [ZERO; 9];
    let (outputs, start, stride) = match direction {
        Direction::Forward => (
            shape.out_channels,
            output * shape.in_channels + input,
            shape.in_channels,
        ),
        Direction::Backward => (shape.in_channels, input * shape.in_channels + output, 1),
    };
    for lane in 0..GROUP.min(outputs.saturating_sub(output)) {
        let index = start + lane * stride;
        let kernel = &weight[index * 9..index * 9 + 9];
        for (tap, group) in kernels.iter_mut().enumerate() {
            let is_turned = direction == Direction::Backward;
            group[lane] = kernel[if is_turned { 8 - tap } else { tap }];
        }
    }
    kernels
}

/// `G w Gᵀ`
#[inline(always)]
fn transformed(kernels: &[Group; 9]) -> [Group; PLANES] {
    let mut rows = [[ZERO; 3]; 6];
    for column in 0..3 {
        let values = by_point(kernels[column], kernels[3 + column], kernels[6 + column]);
        for (row, value) in rows.iter_mut().zip(values) {
            row[column] = value;
        }
    }
    let mut planes = [ZERO; PLANES];
    for (planes, [w0, w1, w2]) in planes.chunks_exact_mut(6).zip(rows) {
        planes.copy_from_slice(&by_point(w0, w1, w2));
    }
    planes
}

/// `G w`; the first and the last row of `G` are those of the identity.
#[inline(always)]
fn by_point(w0: Group, w1: Group, w2: Group) -> [Group; 6] {
    let mut t = [ZERO; 6];
    for i in 0..GROUP {
        let sum = |row: usize| {
            let [f0, f1, f2] = G[row];
            f2.mul_add(w2[i], f1.mul_add(w1[i], f0 * w0[i]))
        };
        t[0][i] = w0[i];
        (t[1][i], t[2][i]) = (sum(1), sum(2));
        (t[3][i], t[4][i]) = (sum(3), sum(4));
        t[5][i] = w2[i];
    }
    t
}
