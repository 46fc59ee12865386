//! Formats of image files.

use image::ImageFormat;

use crate::ImageError;
use crate::foreign::{foreign, raw_in_tiff};

/// A file format, by the first bytes and never by the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP, lossy or lossless.
    WebP,
    /// GIF.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// TIFF.
    Tiff,
}

impl Format {
    /// `jpeg`, `png`, `webp`, `gif`, `bmp` or `tiff`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
        }
    }

    /// The format by the first bytes.
    ///
    /// # Errors
    /// There are no bytes, or they are those of no image, or of a format that isn't read.
    pub fn of(bytes: &[u8]) -> Result<Self, ImageError> {
        if bytes.is_empty() {
            return Err(ImageError::Empty);
        }
        match image::guess_format(bytes) {
            Ok(ImageFormat::Jpeg) => Ok(Self::Jpeg),
            Ok(ImageFormat::Png) => Ok(Self::Png),
            Ok(ImageFormat::WebP) => Ok(Self::WebP),
            Ok(ImageFormat::Gif) => Ok(Self::Gif),
            Ok(ImageFormat::Bmp) => Ok(Self::Bmp),
            // Some cameras' raw images begin as a TIFF does.
            Ok(ImageFormat::Tiff) if bytes.get(8..10) == Some(b"CR") => Err(foreign(bytes)),
            Ok(ImageFormat::Tiff) => raw_in_tiff(bytes).map_or(Ok(Self::Tiff), Err),
            _ => Err(foreign(bytes)),
        }
    }
}
