//! The convolution itself, and the gradient of its input, which is a convolution with turned weights.
#![expect(
    unsafe_code,
    reason = "jobs write different tiles of the same planes and of the output"
)]

use std::ops::Range;

use rayon::prelude::*;

use super::{
    super::{
        batch_norm::Epilogue,
        buffer::{Disjoint, Scratch, Uninit, as_uninit},
        gemm::{Product, panel_width},
        shape::ConvShape,
        simd::vectorized,
    },
    tiles::{GROUP, PLANE_GAP, PLANES, TILE, Tiles},
    transform::{Group, input_tile, output_tile, store},
    weights::{Direction, Weights},
};

/// Tiles that one job transforms in the phased variant.
const TILES_PER_JOB: usize = 4;
/// Parts into which the phased variant cuts the columns of each product.
const COLUMN_PARTS: usize = 4;

/// The transform of `weight` `[O, C, 3, 3]` for [`forward`].
pub(crate) fn weights(weight: &[f32], shape: &ConvShape) -> Weights {
    Weights::new(weight, shape, Direction::Forward)
}

/// Writes the output `[B, H, W, O]` of `x` `[B, H, W, C]`, after the epilogue.
pub(crate) fn forward(
    x: &[f32],
    weights: &Weights,
    shape: &ConvShape,
    epilogue: Option<Epilogue<'_>>,
    y: &mut [Uninit],
) {
    convolve(x, weights, &Tiles::new(shape), Output::new(y, epilogue));
}

/// Writes the gradient `[B, H, W, C]` of the input, given the output's `dy` `[B, H, W, O]`.
pub(crate) fn input_gradient(dy: &[f32], weight: &[f32], shape: &ConvShape, dx: &mut [Uninit]) {
    let weights = Weights::new(weight, shape, Direction::Backward);
    convolve(dy, &weights, &Tiles::new(shape), Output::new(dx, None));
}

/// The output, of which each job writes some channels of some pixels.
#[derive(Clone, Copy)]
struct Output<'a> {
    numbers: Disjoint<'a, Uninit>,
    epilogue: Option<Epilogue<'a>>,
}

impl<'a> Output<'a> {
    fn new(numbers: &'a mut [Uninit], epilogue: Option<Epilogue<'a>>) -> Self {
        Self {
            numbers: Disjoint::new(numbers),
            epilogue,
        }
    }

    /// Writes a group, channels of one pixel from `channel` on, at number `first`, after the epilogue.
    ///
    /// # Safety
    /// These numbers belong to the calling job alone.
    #[inline(always)]
    unsafe fn write(self, first: usize, channel: usize, mut group: Group) {
        if let Some(epilogue) = self.epilogue {
            epilogue.apply_channels(first, channel, &mut group);
        }
        // SAFETY: passed on.
        store(unsafe { self.numbers.slice(first, GROUP) }, &group);
    }
}

fn convolve(x: &[f32], weights: &Weights, tiles: &Tiles, y: Output<'_>) {
    if weights.inputs * weights.outputs < 256 * 128 {
        blocked(x, weights, tiles, y);
    } else {
        phased(x, weights, tiles, y);
    }
}

/// Each job takes its tiles through all phases; its planes fit the cache.
fn blocked(x: &[f32], weights: &Weights, tiles: &Tiles, y: Output<'_>) {
    let (inputs, outputs) = (weights.inputs, weights.outputs);
    let block = (220_000 / (PLANES * (inputs + outputs))).clamp(24, 96) / 12 * 12;
    let (in_plane, out_plane) = (block * inputs + PLANE_GAP, block * outputs + PLANE_GAP);
    (0..tiles.count.div_ceil(block))
        .into_par_iter()
        .for_each(|job| {
            let range = job * block..((job + 1) * block).min(tiles.count);
            let mut transformed = Scratch::new(PLANES * in_plane);
            let mut products = Scratch::new(PLANES * out_plane);
            let shared = Disjoint::new(&mut transformed[..]);
            transform_inputs(
                x,
                inputs,
                tiles,
                range.clone(),
                range.start,
                shared,
                in_plane,
            );
            for frequency in 0..PLANES {
                let product = Product {
                    rows: range.len(),
                    columns: outputs,
                    depth: inputs,
                    left: &transformed[frequency * in_plane..],
                    row_stride: inputs,
                    depth_stride: 1,
                    right: weights.matrix(frequency, 0),
                };
                let target = &mut products[frequency * out_plane..(frequency + 1) * out_plane];
                product.store(as_uninit(target), outputs);
            }
            transform_outputs(
                &products,
                outputs,
                tiles,
                range.clone(),
                range.start,
                out_plane,
                y,
            );
        });
}

/// The phases alternate on blocks of tiles, each phase in parallel.
fn phased(x: &[f32], weights: &Weights, tiles: &Tiles, y: Output<'_>) {
    let (inputs, outputs) = (weights.inputs, weights.outputs);
    let block = (3_000_000 / (PLANES * (inputs + outputs)))
        .max(96)
        .min(tiles.count);
    let (in_plane, out_plane) = (block * inputs + PLANE_GAP, block * outputs + PLANE_GAP);
    let mut transformed = Scratch::new(PLANES * in_plane);
    let mut products = Scratch::new(PLANES * out_plane);
    for first in (0..tiles.count).step_by(block) {
        let end = (first + block).min(tiles.count);
        let jobs = (end - first).div_ceil(TILES_PER_JOB);
        let range = |job: usize| {
            let start = first + job * TILES_PER_JOB;
            start..(start + TILES_PER_JOB).min(end)
        };
        let shared = Disjoint::new(&mut transformed[..]);
        (0..jobs).into_par_iter().for_each(|job| {
            transform_inputs(x, inputs, tiles, range(job), first, shared, in_plane);
        });
        multiply(
            &transformed,
            in_plane,
            weights,
            end - first,
            Disjoint::new(&mut products[..]),
            out_plane,
        );
        (0..jobs).into_par_iter().for_each(|job| {
            transform_outputs(&products, outputs, tiles, range(job), first, out_plane, y);
        });
    }
}

/// The 36 products of a block of tiles, each cut in parts of columns.
fn multiply(
    transformed: &[f32],
    in_plane: usize,
    weights: &Weights,
    rows: usize,
    products: Disjoint<'_, f32>,
    out_plane: usize,
) {
    let (inputs, outputs) = (weights.inputs, weights.outputs);
    let n_panels = outputs.div_ceil(panel_width());
    let parts = COLUMN_PARTS.min(n_panels);
    (0..PLANES * parts).into_par_iter().for_each(|job| {
        let (frequency, part) = (job / parts, job % parts);
        let first = n_panels * part / parts * panel_width();
        let end = (n_panels * (part + 1) / parts * panel_width()).min(outputs);
        let product = Product {
            rows,
            columns: end - first,
            depth: inputs,
            left: &transformed[frequency * in_plane..],
            row_stride: inputs,
            depth_stride: 1,
            right: weights.matrix(frequency, first),
        };
        assert!(
            (frequency + 1) * out_plane <= products.len() && rows * outputs <= out_plane,
            "planes hold the block"
        );
        // SAFETY: within the plane, by the assertion; these columns of this plane belong to this job alone.
        unsafe {
            product.run(
                products.address(frequency * out_plane + first),
                outputs,
                false,
            )
        };
    });
}

/// Transforms the tiles of `range`; tile `origin` is the first of the planes.
fn transform_inputs(
    x: &[f32],
    channels: usize,
    tiles: &Tiles,
    range: Range<usize>,
    origin: usize,
    planes: Disjoint<'_, f32>,
    plane: usize,
) {
    vectorized(
        #[inline(always)]
        || {
            for tile in range.clone() {
                let position = tiles.position(tile);
                for channel in (0..channels).step_by(GROUP) {
                    let transformed = input_tile(x, tiles, position, channels, channel);
                    let offset = (tile - origin) * channels + channel;
                    for (i, group) in transformed.iter().flatten().enumerate() {
                        // SAFETY: these channels of this tile belong to this job alone.
                        unsafe { planes.slice(i * plane + offset, GROUP) }.copy_from_slice(group);
                    }
                }
            }
        },
    );
}

/// Transforms the products of the tiles of `range` into the output; pixels outside the image are left out.
fn transform_outputs(
    products: &[f32],
    channels: usize,
    tiles: &Tiles,
    range: Range<usize>,
    origin: usize,
    plane: usize,
    y: Output<'_>,
) {
    vectorized(
        #[inline(always)]
        || {
            for tile in range.clone() {
                let position = tiles.position(tile);
                let (rows, columns) = (
                    TILE.min(tiles.height - position.row),
                    TILE.min(tiles.width - position.column),
                );
                for channel in (0..channels).step_by(GROUP) {
                    let pixels = output_tile(products, plane, (tile - origin) * channels + channel);
                    for (i, line) in pixels[..rows].iter().enumerate() {
                        let start =
                            position.image + (position.row + i) * tiles.width + position.column;
                        for (j, group) in line[..columns].iter().enumerate() {
                            let first = (start + j) * channels + channel;
                            // SAFETY: these channels of this pixel belong to this job alone.
                            unsafe { y.write(first, channel, *group) };
                        }
                    }
                }
            }
        },
    );
}
