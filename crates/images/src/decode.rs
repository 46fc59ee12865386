//! From a file's bytes to RGB.

use std::io::{Cursor, ErrorKind};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, RgbImage, codecs};

use crate::complete::check_complete;
use crate::{Format, ImageError, Limits, Rgb, jpeg};

/// Treatment of the orientation in an image's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orient {
    /// As every viewer shows the image.
    Upright,
    /// As the pixels are stored.
    AsStored,
}

impl Orient {
    /// Upright if `exif_orientation`.
    pub fn by(exif_orientation: bool) -> Self {
        if exif_orientation {
            Self::Upright
        } else {
            Self::AsStored
        }
    }
}

/// A decoded image, with format and orientation of its file.
#[derive(Clone, Debug)]
pub struct DecodedImage {
    /// The pixels.
    pub rgb: Rgb,
    /// The file's format.
    pub format: Format,
    /// The orientation that was applied, from 1 to 8 as in EXIF; 1 changes nothing.
    pub orientation: u8,
    /// The first damage that was passed over, as other decoders do.
    pub damage: Option<String>,
}

/// Decodes a whole JPEG, PNG, WebP, GIF, BMP or TIFF to 8-bit RGB.
///
/// Gray, palettes, CMYK and YCCK become RGB, 16 bits become 8, and transparent places lie on white. Color profiles are
/// ignored. Of an animation the first frame counts, of several pages the first. Faults in a JPEG that libjpeg passes
/// over (stray bytes between its segments, damaged blocks) are passed over and noted.
///
/// # Errors
/// The bytes are no such image, are truncated or damaged, or the image is beyond `limits`.
pub fn decode(bytes: &[u8], limits: Limits, orient: Orient) -> Result<DecodedImage, ImageError> {
    let format = Format::of(bytes)?;
    check_complete(format, bytes)?;
    let (rgb, orientation, damage) = match format {
        Format::Jpeg => jpeg::decode(bytes, limits)?,
        _ => {
            let (rgb, orientation) = decode_by_image(format, bytes, limits)?;
            (rgb, orientation, None)
        }
    };
    let orientation = match orient {
        Orient::Upright => orientation,
        Orient::AsStored => Orientation::NoTransforms,
    };
    Ok(DecodedImage {
        rgb: turned(rgb, orientation),
        format,
        orientation: orientation.to_exif(),
        damage,
    })
}

fn turned(rgb: Rgb, orientation: Orientation) -> Rgb {
    if orientation == Orientation::NoTransforms {
        return rgb;
    }
    let (width, height) = (rgb.width, rgb.height);
    let image =
        RgbImage::from_raw(width, height, rgb.pixels).expect("`Rgb::decoded` checked the size");
    let mut image = DynamicImage::ImageRgb8(image);
    image.apply_orientation(orientation);
    Rgb {
        width: image.width(),
        height: image.height(),
        pixels: image.into_rgb8().into_raw(),
    }
}

fn open<'b>(
    format: Format,
    bytes: &'b [u8],
    limits: Limits,
) -> Result<Box<dyn ImageDecoder + 'b>, ImageError> {
    let file = Cursor::new(bytes);
    let opened: image::ImageResult<Box<dyn ImageDecoder + 'b>> = match format {
        Format::Jpeg | Format::Png => {
            codecs::png::PngDecoder::new(file).map(|it| Box::new(it) as _)
        }
        Format::WebP => codecs::webp::WebPDecoder::new(file).map(|it| Box::new(it) as _),
        Format::Gif => codecs::gif::GifDecoder::new(file).map(|it| Box::new(it) as _),
        Format::Bmp => codecs::bmp::BmpDecoder::new(file).map(|it| Box::new(it) as _),
        Format::Tiff => codecs::tiff::TiffDecoder::new(file).map(|it| Box::new(it) as _),
    };
    let decoder = opened.map_err(|error| image_error(format, error))?;
    let (width, height) = decoder.dimensions();
    limits.check(width, height)?;
    Ok(decoder)
}

/// Damage of the metadata is no damage of the image.
fn orientation_of(decoder: &mut dyn ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

fn decode_by_image(
    format: Format,
    bytes: &[u8],
    limits: Limits,
) -> Result<(Rgb, Orientation), ImageError> {
    let mut decoder = open(format, bytes, limits)?;
    let (width, height) = decoder.dimensions();
    let orientation = orientation_of(&mut *decoder);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| image_error(format, error))?;
    let pixels = if image.color().has_alpha() {
        on_white(image.to_rgba8().as_raw())
    } else {
        image.into_rgb8().into_raw()
    };
    Ok((Rgb::decoded(format, width, height, pixels)?, orientation))
}

fn image_error(format: Format, error: image::ImageError) -> ImageError {
    match error {
        image::ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            ImageError::Truncated {
                format: format.name(),
                missing: "it ends before its pixels do",
            }
        }
        image::ImageError::Unsupported(error) => ImageError::UnsupportedFormat {
            format: format!("{} of this kind ({error})", format.name()),
            advice: "convert it to PNG or JPEG",
        },
        error => ImageError::Damaged {
            format: format.name(),
            reason: error.to_string(),
        },
    }
}

/// Lays RGBA on white.
fn on_white(rgba: &[u8]) -> Vec<u8> {
    let blend = |value: u8, alpha: u8| {
        let (value, alpha) = (u16::from(value), u16::from(alpha));
        // At most 255 · 255 + 127, so it fits; the quotient is at most 255.
        u8::try_from((value * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
    };
    rgba.chunks_exact(4)
        .flat_map(|pixel| [0, 1, 2].map(|channel| blend(pixel[channel], pixel[3])))
        .collect()
}
