//! Matrices packed into the panels that the product reads: `[columns / width][depth][width]`, zeros at the end.

use rayon::prelude::*;

use super::{
    buffer::Scratch,
    gemm::{packed_len, panel_width},
    shape::ConvShape,
};

/// Weights `[O, C, K, K]` as the right matrix `[K·K·C, O]`, for the output.
pub(crate) fn weights_by_patch(weight: &[f32], shape: &ConvShape) -> Scratch {
    let (width, depth, channels) = (panel_width(), shape.patch_len(), shape.in_channels);
    let taps = shape.taps();
    let mut packed = Scratch::new(packed_len(depth, shape.out_channels));
    packed
        .par_chunks_mut(depth * width)
        .enumerate()
        .for_each(|(panel, chunk)| {
            for lane in 0..width {
                let output = panel * width + lane;
                if output >= shape.out_channels {
                    chunk
                        .iter_mut()
                        .skip(lane)
                        .step_by(width)
                        .for_each(|v| *v = 0.0);
                    continue;
                }
                let filter = &weight[output * depth..(output + 1) * depth]; // [C, K, K]
                for (channel, kernel) in filter.chunks_exact(taps).enumerate() {
                    for (tap, &value) in kernel.iter().enumerate() {
                        chunk[(tap * channels + channel) * width + lane] = value;
                    }
                }
            }
        });
    packed
}

/// Weights `[O, C, K, K]` as the right matrix `[O, K·K·C]`, for the gradient of the input.
pub(crate) fn weights_by_output(weight: &[f32], shape: &ConvShape) -> Scratch {
    let (width, columns, channels) = (panel_width(), shape.patch_len(), shape.in_channels);
    let taps = shape.taps();
    let mut packed = Scratch::new(packed_len(shape.out_channels, columns));
    packed
        .par_chunks_mut(shape.out_channels * width)
        .enumerate()
        .for_each(|(panel, chunk)| {
            for (output, row) in chunk.chunks_exact_mut(width).enumerate() {
                for (lane, value) in row.iter_mut().enumerate() {
                    let column = panel * width + lane;
                    let (tap, channel) = (column / channels, column % channels);
                    *value = if column < columns {
                        weight[(output * channels + channel) * taps + tap]
                    } else {
                        0.0
                    };
                }
            }
        });
    packed
}

/// A row-major matrix `[rows, columns]` as the right matrix.
pub(crate) fn rows(matrix: &[f32], columns: usize, packed: &mut [f32]) {
    let (width, depth) = (panel_width(), matrix.len() / columns);
    for (panel, chunk) in packed
        .chunks_exact_mut(depth * width)
        .take(columns.div_ceil(width))
        .enumerate()
    {
        let first = panel * width;
        let used = (columns - first).min(width);
        for (row, line) in chunk.chunks_exact_mut(width).enumerate() {
            let start = row * columns + first;
            line[..used].copy_from_slice(&matrix[start..start + used]);
            line[used..].fill(0.0);
        }
    }
}
