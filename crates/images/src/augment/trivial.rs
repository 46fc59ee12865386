//! TrivialAugment.

use rand::Rng;

use super::color::Change;
use super::transform::Affine;

/// Number of an operation's greatest magnitude; those from 0 on are evenly spaced.
const GREATEST: u8 = 30;
/// Greatest shear, as a slope.
const SHEAR: f32 = 0.99;
/// Greatest translation, in pixels.
const TRANSLATION: f32 = 32.0;
/// Greatest rotation, in degrees.
const ROTATION: f32 = 135.0;
/// Greatest change of a color factor, which is 1 without a change.
const FACTOR: f32 = 0.99;
/// Greatest number of bits that are dropped.
const BITS: f32 = 6.0;

/// An operation with its magnitude.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operation {
    /// From places in the output to places in the crop.
    Geometric(Affine),
    Color(Change),
}

impl Operation {
    /// Draws one of 14 operations, one of its magnitudes, and its direction, all with equal probability: TrivialAugment
    /// (Müller & Hutter 2021, *TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation*) in its wide search
    /// space, with the operations and magnitudes of torchvision's `TrivialAugmentWide`.
    pub(super) fn draw(side_px: u32, rng: &mut impl Rng) -> Self {
        let operation = rng.random_range(0..14_u8);
        let magnitude = rng.random_range(0..=GREATEST);
        let sign = if rng.random() { -1.0 } else { 1.0 };
        Self::of(operation, magnitude, sign, side_px)
    }

    /// Operation number `operation`, in torchvision's order, with magnitude number `magnitude`.
    pub(super) fn of(operation: u8, magnitude: u8, sign: f32, side_px: u32) -> Self {
        let (magnitude, greatest) = (f32::from(magnitude), f32::from(GREATEST));
        let share = magnitude / greatest;
        // A shear leaves the edge at the top or at the left in its place.
        let from_edge = sign * SHEAR * share * side_px as f32 / 2.0;
        let factor = 1.0 + sign * FACTOR * share;
        let linear = |b, c, shift| {
            Self::Geometric(Affine {
                matrix: [[1.0, b], [c, 1.0]],
                shift,
            })
        };
        match operation {
            0 => Self::Geometric(Affine::IDENTITY),
            1 => linear(sign * SHEAR * share, 0.0, [from_edge, 0.0]),
            2 => linear(0.0, sign * SHEAR * share, [0.0, from_edge]),
            3 => linear(0.0, 0.0, [-sign * (TRANSLATION * share).trunc(), 0.0]),
            4 => linear(0.0, 0.0, [0.0, -sign * (TRANSLATION * share).trunc()]),
            5 => Self::Geometric(Affine::rotation(sign * ROTATION * share)),
            6 => Self::Color(Change::Brightness(factor)),
            7 => Self::Color(Change::Saturation(factor)),
            8 => Self::Color(Change::Contrast(factor)),
            9 => Self::Color(Change::Sharpness(factor)),
            10 => Self::Color(Change::Posterize(
                8 - super::rounding::rounded(BITS * share),
            )),
            11 => Self::Color(Change::Solarize(255.0 - 255.0 / greatest * magnitude)),
            12 => Self::Color(Change::AutoContrast),
            _ => Self::Color(Change::Equalize),
        }
    }
}
