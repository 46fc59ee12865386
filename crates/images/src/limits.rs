//! Limits of an image's size.

use crate::ImageError;

/// Largest size of an image, checked on its header before memory is taken for its pixels.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Width times height.
    pub pixels: u64,
    /// The long side over the short one.
    pub aspect: u32,
}

impl Limits {
    pub(crate) fn check(self, width: u32, height: u32) -> Result<(), ImageError> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.pixels {
            return Err(ImageError::TooLarge {
                width,
                height,
                pixels,
                limit: self.pixels,
            });
        }
        if u64::from(width.max(height)) > u64::from(width.min(height)) * u64::from(self.aspect) {
            return Err(ImageError::TooElongated {
                width,
                height,
                limit: self.aspect,
            });
        }
        Ok(())
    }
}
