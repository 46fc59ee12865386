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

    /// The centered part of `(width, height)` pixels of RGB `[whole height, whole width, 3]`.
    pub(crate) fn center_of(pixels: &[u8], whole: (u32, u32), (width, height): (u32, u32)) -> Self {
        let left = ((whole.0 - width) / 2) as usize;
        let top = ((whole.1 - height) / 2) as usize;
        let row = width as usize * 3;
        let mut part = Vec::with_capacity(row * height as usize);
        let lines = pixels.chunks_exact(whole.0 as usize * 3).skip(top);
        for line in lines.take(height as usize) {
            part.extend_from_slice(&line[left * 3..left * 3 + row]);
        }
        Self {
            width,
            height,
            pixels: part,
        }
    }
}
