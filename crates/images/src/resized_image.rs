//! An image as the file of pixels has it.

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
