//! Convolution: the choice of the algorithm.
#![expect(unsafe_code, reason = "outputs are not zeroed before they are written")]

use super::{
    batch_norm::Epilogue, buffer::write_vec, few_pixels, im2col, shape::ConvShape, winograd,
};

enum Algorithm {
    FewPixels,
    Winograd,
    Im2col,
}

impl Algorithm {
    /// The fastest. It depends on the sizes alone, as the bits of the results do.
    fn of(shape: &ConvShape) -> Self {
        if few_pixels::applies(shape) {
            Self::FewPixels
        } else if winograd::applies(shape) {
            Self::Winograd
        } else {
            Self::Im2col
        }
    }
}

/// Output `[B, P, Q, O]` of `x` `[B, H, W, C]` and `weight` `[O, C, K, K]`, after the epilogue if there is one.
pub(crate) fn forward(
    x: &[f32],
    weight: &[f32],
    shape: &ConvShape,
    epilogue: Option<Epilogue<'_>>,
) -> Vec<f32> {
    check(shape, x.len(), weight.len(), shape.out_len());
    let run = match Algorithm::of(shape) {
        Algorithm::FewPixels => few_pixels::forward,
        Algorithm::Winograd => winograd::forward,
        Algorithm::Im2col => im2col::forward,
    };
    // SAFETY: all write every output pixel.
    unsafe { write_vec(shape.out_len(), |y| run(x, weight, shape, epilogue, y)) }
}

/// Gradient `[B, H, W, C]` of the input, given the output's `dy` `[B, P, Q, O]`.
pub(crate) fn input_gradient(dy: &[f32], weight: &[f32], shape: &ConvShape) -> Vec<f32> {
    check(shape, shape.in_len(), weight.len(), dy.len());
    let run = match Algorithm::of(shape) {
        Algorithm::FewPixels => few_pixels::input_gradient,
        Algorithm::Winograd => winograd::input_gradient,
        Algorithm::Im2col => im2col::input_gradient,
    };
    // SAFETY: all write every input pixel.
    unsafe { write_vec(shape.in_len(), |dx| run(dy, weight, shape, dx)) }
}

/// Gradient `[O, C, K, K]` of the weights.
pub(crate) fn weight_gradient(x: &[f32], dy: &[f32], shape: &ConvShape) -> Vec<f32> {
    check(shape, x.len(), shape.weight_len(), dy.len());
    let run = match Algorithm::of(shape) {
        Algorithm::FewPixels => few_pixels::weight_gradient,
        Algorithm::Winograd => winograd::weight_gradient,
        Algorithm::Im2col => im2col::weight_gradient,
    };
    // SAFETY: all write every weight.
    unsafe { write_vec(shape.weight_len(), |dw| run(x, dy, shape, dw)) }
}

fn check(shape: &ConvShape, x: usize, weight: usize, y: usize) {
    let found = (x, weight, y);
    assert_eq!(
        found,
        (shape.in_len(), shape.weight_len(), shape.out_len()),
        "numbers of {shape:?}"
    );
}
