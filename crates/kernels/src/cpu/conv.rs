//! Convolution: the choice of the algorithm.
#![expect(unsafe_code, reason = "outputs are not zeroed before they are written")]

use std::{borrow::Cow, sync::OnceLock};

use super::{
    batch_norm::Epilogue,
    buffer::{Scratch, write_vec},
    few_pixels, im2col, pack,
    shape::ConvShape,
    winograd,
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

/// Weights `[O, C, K, K]`, and what algorithms make of them, each made once.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    weight: Cow<'a, [f32]>,
    panels: OnceLock<Scratch>,
    transformed: OnceLock<winograd::Weights>,
}

impl<'a> Filter<'a> {
    /// A filter for one convolution, or an owned one for many.
    pub(crate) fn new(weight: impl Into<Cow<'a, [f32]>>) -> Self {
        Self {
            weight: weight.into(),
            panels: OnceLock::new(),
            transformed: OnceLock::new(),
        }
    }

    fn algorithm(&self, shape: &ConvShape) -> Algorithm {
        let is_constant = matches!(self.weight, Cow::Owned(_));
        if is_constant && winograd::applies_to_constant_weights(shape) {
            Algorithm::Winograd
        } else {
            Algorithm::of(shape)
        }
    }
}

/// The value of `cell`, made now if it has none. It is made outside of the cell: while this thread waits for others of
/// rayon's, it may run a convolution by the same filter.
fn made<T>(cell: &OnceLock<T>, make: impl FnOnce() -> T) -> &T {
    cell.get().unwrap_or_else(|| {
        let value = make();
        cell.get_or_init(|| value)
    })
}

/// Output `[B, P, Q, O]` of `x` `[B, H, W, C]`, after the epilogue if there is one.
pub(crate) fn forward(
    x: &[f32],
    filter: &Filter<'_>,
    shape: &ConvShape,
    epilogue: Option<Epilogue<'_>>,
) -> Vec<f32> {
    let weight = &filter.weight;
    check(shape, x.len(), weight.len(), shape.out_len());
    let run = |y: &mut [_]| match filter.algorithm(shape) {
        Algorithm::FewPixels => few_pixels::forward(x, weight, shape, epilogue, y),
        Algorithm::Winograd => {
            let weights = made(&filter.transformed, || winograd::weights(weight, shape));
            winograd::forward(x, weights, shape, epilogue, y);
        }
        Algorithm::Im2col => {
            let panels = made(&filter.panels, || pack::weights_by_patch(weight, shape));
            im2col::forward(x, panels, shape, epilogue, y);
        }
    };
    // SAFETY: all write every output pixel.
    unsafe { write_vec(shape.out_len(), run) }
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
