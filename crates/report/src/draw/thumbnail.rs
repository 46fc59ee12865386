//! Thumbnails inside the page.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use images::{Filter, Limits, Orient, Resizer, decode, scale};
use jpeg_encoder::{ColorType, Encoder};

use crate::ReportError;

/// Quality of the JPEG: small, and fine at this size.
const QUALITY: u8 = 80;

/// No limits: too large images are no part of the collection.
const LIMITS: Limits = Limits {
    pixels: u64::MAX,
    aspect: u32::MAX,
};

/// A small image.
pub(crate) struct Thumbnail {
    /// A JPEG as a `data:` URI.
    pub(crate) uri: String,
    /// Pixels from left to right.
    pub(crate) width: u16,
    /// Pixels from top to bottom.
    pub(crate) height: u16,
}

/// Thumbnail of an image's file with a long side of `side_px`, or the image's own if that is shorter.
///
/// # Errors
/// The bytes are no whole image that can be read.
pub(crate) fn thumbnail(
    bytes: &[u8],
    orient: Orient,
    side_px: u32,
) -> Result<Thumbnail, ReportError> {
    let image = decode(bytes, LIMITS, orient)?.rgb;
    let (width, height) = fit(image.width, image.height, side_px);
    let target = (width.into(), height.into());
    let small = scale(&image, target, Filter::Lanczos, &mut Resizer::default())?;
    Ok(Thumbnail {
        uri: jpeg_uri(&small.pixels, width, height)?,
        width,
        height,
    })
}

/// RGB `[height, width, 3]` as a JPEG in a `data:` URI.
///
/// # Errors
/// There are fewer pixels than the size requires.
pub(crate) fn jpeg_uri(pixels: &[u8], width: u16, height: u16) -> Result<String, ReportError> {
    encoded(pixels, [width, height], QUALITY)
}

/// The same with a quality from 1 to 100.
///
/// # Errors
/// As for [`jpeg_uri`].
pub(crate) fn encoded(
    pixels: &[u8],
    [width, height]: [u16; 2],
    quality: u8,
) -> Result<String, ReportError> {
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, quality).encode(pixels, width, height, ColorType::Rgb)?;
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)))
}

/// The size with a long side of at most `side_px`, in proportion, each side at least 1.
fn fit(width: u32, height: u32, side_px: u32) -> (u16, u16) {
    let long = u64::from(width.max(height)).max(1);
    let target = long.min(side_px.into());
    let scaled = |side: u32| {
        let rounded = (u64::from(side) * target + long / 2) / long;
        u16::try_from(rounded.max(1)).unwrap_or(u16::MAX)
    };
    (scaled(width), scaled(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_side_fits() {
        assert_eq!(fit(500, 250, 112), (112, 56));
        assert_eq!(fit(80, 100, 112), (80, 100));
        assert_eq!(fit(3, 3000, 112), (1, 112));
    }
}
