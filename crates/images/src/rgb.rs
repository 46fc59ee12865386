//! Decoded pixels.

use crate::{Format, ImageError};

/// A decoded image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rgb {
    /// Pixels from left to right, at least 1.
    pub width: u32,
    /// Pixels from top to bottom, at least 1.
    pub height: u32,
    /// Rows from the top, pixels from the left, three bytes each: `height · width · 3`.
    pub pixels: Vec<u8>,
}

impl Rgb {
    /// The pixels that a decoder of `format` gave, if they are as many as the size requires.
    pub(crate) fn decoded(
        format: Format,
        width: u32,
        height: u32,
        pixels: Vec<u8>,
    ) -> Result<Self, ImageError> {
        let expected = width as usize * height as usize * 3;
        if expected == 0 || pixels.len() != expected {
            return Err(ImageError::Damaged {
                format: format.name(),
                reason: format!(
                    "{width}×{height} pixels are {expected} bytes, found {}",
                    pixels.len()
                ),
            });
        }
        Ok(Self {
            width,
            height,
            pixels,
        })
    }
}
