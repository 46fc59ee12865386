//! Rounding to whole numbers.

/// The nearest whole number of a value that is not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a length in an image, or a number of bits"
)]
pub(super) fn rounded(value: f32) -> u32 {
    value.round() as u32
}
