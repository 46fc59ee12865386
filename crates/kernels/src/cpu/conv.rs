//! Convolution: the choice of the algorithm.
#![expect(unsafe_code, reason = "outputs are not zeroed before they are written")]

use std::sync::OnceLock;

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

    /// The fastest where packed and transformed weights are kept.
    fn of_constant_weights(shape: &ConvShape) -> Self {
        if winograd::applies_to_constant_weights(shape) {
            Self::Winograd
        } else {
            Self::of(shape)
        }
    }
}

/// Packed and transformed weights, of convolutions whose weights are constant.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    arranged: OnceLock<Scratch>,
    panels: OnceLock<Scratch>,
    transformed: OnceLock<winograd::Weights>,
}

/// The value of `cell`, computed now if it has none. It is computed outside of the cell: while this thread waits for others
/// of rayon's, it may run a convolution with the same cell.
fn cached<T>(cell: &OnceLock<T>, compute: impl FnOnce() -> T) -> &T {
    cell.get().unwrap_or_else(|| {
        let value = compute();
        cell.get_or_init(|| value)
    })
}

/// Output `[B, P, Q, O]` of `x` `[B, H, W, C]` and `weight` `[O, C, K, K]`, after the epilogue if there is one. Of constant
/// weights, `forms` keeps what is packed and transformed.
pub(crate) fn forward(
    x: &[f32],
    weight: &[f32],
    forms: Option<&Forms>,
    shape: &ConvShape,
    epilogue: Option<Epilogue<'_>>,
) -> Vec<f32> {
    check(shape, x.len(), weight.len(), shape.out_len());
    let algorithm = match forms {
        Some(_) => Algorithm::of_constant_weights(shape),
        None => Algorithm::of(shape),
    };
    let run = |y: &mut [_]| match algorithm {
        Algorithm::FewPixels => {
            let arranged = forms.map(|forms| {
                let arrange = || few_pixels::weights(weight, shape).kept();
                &cached(&forms.arranged, arrange)[..]
            });
            few_pixels::forward(x, weight, arranged, shape, epilogue, y);
        }
        Algorithm::Winograd => {
            let transformed = || winograd::weights(weight, shape);
            match forms {
                Some(forms) => {
                    let weights = cached(&forms.transformed, || transformed().kept());
                    winograd::forward(x, weights, shape, epilogue, y);
                }
                None => winograd::forward(x, &transformed(), shape, epilogue, y),
            }
        }
        Algorithm::Im2col => {
            let packed = || pack::weights_by_patch(weight, shape);
            match forms {
                Some(forms) => {
                    let panels = cached(&forms.panels, || packed().kept());
                    im2col::forward(x, panels, shape, epilogue, y);
                }
                None => im2col::forward(x, &packed(), shape, epilogue, y),
            }
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
