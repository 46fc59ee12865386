//! An image as the file of pixels has it.

use crate::Rgb;

/// An image of the file, borrowed from the buffer that it was read into.
#[derive(Clone, Copy, Debug)]
pub struct ResizedImage<'a> {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Width of the resized image before its cut.
    pub full_width: u32,
    /// Height of the resized image before its cut.
    pub full_height: u32,
    /// RGB, `height · width · 3` bytes, rows from the top.
    pub pixels: &'a [u8],
}

impl ResizedImage<'_> {
    /// The largest square around the center.
    pub fn center_square(&self) -> Rgb {
        let side = self.width.min(self.height);
        Rgb::center_of(self.pixels, (self.width, self.height), (side, side))
    }
}
