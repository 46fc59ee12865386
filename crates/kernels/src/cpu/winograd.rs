//! Convolution 3×3, stride 1, padding 1, by Winograd's minimal filtering F(4×4, 3×3).
//!
//! Lavin and Gray (2016), "Fast algorithms for convolutional neural networks": an output tile of 4×4 pixels comes
//! from 6×6 transformed pixels, 36 multiplications where the direct way needs 144, and the multiplications of all
//! tiles and channels are 36 matrix products, one a frequency. We interpolate at 0, ±1/√2, ±√2 and infinity
//! rather than at 0, ±1, ±2: the factors of the transforms are then closer to each other, and the relative error
//! three times smaller.
//!
//! Transformed activations are laid out `[36][tile][channel]`. Where the transformed weights fit the cache, a job
//! takes some tiles through all phases (`blocked`); else the phases alternate on larger blocks (`phased`), so that
//! each weight is read a few times only.

mod convolve;
mod gradient;
mod tiles;
mod transform;
mod weights;

pub(crate) use convolve::{forward, input_gradient, weights};
pub(crate) use gradient::weight_gradient;
pub(crate) use weights::Weights;

use super::shape::ConvShape;
use tiles::GROUP;

/// Below so many pixels in the batch, the transform of the weights costs more than the products save.
const MINIMUM_PIXELS: usize = 600;

/// The same where the weights are transformed once for many convolutions.
const MINIMUM_PIXELS_OF_CONSTANT_WEIGHTS: usize = 150;

/// Returns `true` if the convolution has the form that this module computes.
pub(crate) fn has_form(shape: &ConvShape) -> bool {
    let grouped =
        shape.in_channels.is_multiple_of(GROUP) && shape.out_channels.is_multiple_of(GROUP);
    shape.kernel == 3 && shape.stride == 1 && shape.padding == 1 && grouped
}

/// Returns `true` if this module computes the convolution faster than a product with its patches.
pub(crate) fn applies(shape: &ConvShape) -> bool {
    has_form(shape) && shape.out_pixels() >= MINIMUM_PIXELS
}

/// Returns `true` if it does so where the weights are transformed once for many convolutions.
pub(crate) fn applies_to_constant_weights(shape: &ConvShape) -> bool {
    has_form(shape) && shape.out_pixels() >= MINIMUM_PIXELS_OF_CONSTANT_WEIGHTS
}
