//! From a file's bytes to RGB.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, codecs};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::DatasetError;
use crate::complete::check_complete;

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rgb {
    /// Pixels from left to right, at least 1.
    pub width: u32,
    /// Pixels from top to bottom, at least 1.
    pub height: u32,
    /// Rows from the top, pixels from the left, three bytes each: `height · width · 3`.
    pub pixels: Vec<u8>,
}

/// A file format, told by the first bytes and never by the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP, lossy or lossless.
    WebP,
}

impl Format {
    /// `jpeg`, `png` or `webp`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }

    /// The format by the first bytes.
    ///
    /// # Errors
    /// There are no bytes, or they are those of no picture, or of a format that isn't read.
    pub fn of(bytes: &[u8]) -> Result<Self, DatasetError> {
        if bytes.is_empty() {
            return Err(DatasetError::Empty);
        }
        match image::guess_format(bytes) {
            Ok(ImageFormat::Jpeg) => Ok(Self::Jpeg),
            Ok(ImageFormat::Png) => Ok(Self::Png),
            Ok(ImageFormat::WebP) => Ok(Self::WebP),
            Ok(other) => Err(DatasetError::UnsupportedFormat {
                format: other.to_mime_type().to_owned(),
            }),
            Err(_) => Err(DatasetError::NotAPicture),
        }
    }
}

/// What a picture may be at most, checked on its header before memory is taken for its pixels.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Width times height.
    pub pixels: u64,
    /// The long side over the short one.
    pub aspect: u32,
}

impl Limits {
    fn check(self, width: u32, height: u32) -> Result<(), DatasetError> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.pixels {
            return Err(DatasetError::TooLarge {
                width,
                height,
                pixels,
                limit: self.pixels,
            });
        }
        if u64::from(width.max(height)) > u64::from(width.min(height)) * u64::from(self.aspect) {
            return Err(DatasetError::TooElongated {
                width,
                height,
                limit: self.aspect,
            });
        }
        Ok(())
    }
}

/// Decodes a whole JPEG, PNG or WebP to 8-bit RGB.
///
/// Gray, CMYK and YCCK become RGB, 16 bits become 8, and what is transparent lies on white. The orientation in EXIF is
/// not applied, as in torchvision's `read_image`, and color profiles are ignored. Of an animation, the first frame
/// counts.
///
/// # Errors
/// The bytes are no such picture, are truncated or damaged, or the picture is beyond `limits`.
pub fn decode(bytes: &[u8], limits: Limits) -> Result<(Rgb, Format), DatasetError> {
    let format = Format::of(bytes)?;
    check_complete(format, bytes)?;
    let rgb = match format {
        Format::Jpeg => decode_jpeg(bytes, limits),
        Format::Png => {
            let decoder = codecs::png::PngDecoder::new(Cursor::new(bytes));
            decode_by_image(format, decoder, limits)
        }
        Format::WebP => {
            let decoder = codecs::webp::WebPDecoder::new(Cursor::new(bytes));
            decode_by_image(format, decoder, limits)
        }
    }?;
    Ok((rgb, format))
}

fn decode_jpeg(bytes: &[u8], limits: Limits) -> Result<Rgb, DatasetError> {
    let damaged = |error: &dyn std::fmt::Debug| DatasetError::Damaged {
        format: Format::Jpeg.name(),
        reason: format!("{error:?}"),
    };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged(&error))?;
    let info = decoder.info().ok_or_else(|| damaged(&"no header"))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    limits.check(width, height)?;
    let pixels = decoder.decode().map_err(|error| damaged(&error))?;
    rgb_of(Format::Jpeg, width, height, pixels)
}

fn decode_by_image<D: ImageDecoder>(
    format: Format,
    decoder: image::ImageResult<D>,
    limits: Limits,
) -> Result<Rgb, DatasetError> {
    let damaged = |error: image::ImageError| DatasetError::Damaged {
        format: format.name(),
        reason: error.to_string(),
    };
    let decoder = decoder.map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    limits.check(width, height)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    let pixels = if picture.color().has_alpha() {
        on_white(picture.to_rgba8().as_raw())
    } else {
        picture.into_rgb8().into_raw()
    };
    rgb_of(format, width, height, pixels)
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

fn rgb_of(format: Format, width: u32, height: u32, pixels: Vec<u8>) -> Result<Rgb, DatasetError> {
    let expected = width as usize * height as usize * 3;
    if expected == 0 || pixels.len() != expected {
        return Err(DatasetError::Damaged {
            format: format.name(),
            reason: format!(
                "{width}×{height} pixels are {expected} bytes, found {}",
                pixels.len()
            ),
        });
    }
    Ok(Rgb {
        width,
        height,
        pixels,
    })
}

/// Decodes a picture that was annotated as `(width, height)` pixels.
///
/// # Errors
/// As [`decode`], or the picture has another size.
pub fn decode_annotated(bytes: &[u8], annotated: (u32, u32)) -> Result<Rgb, DatasetError> {
    // The annotated picture was within the limits of its stage; a larger one is another picture.
    let limits = Limits {
        pixels: u64::from(annotated.0) * u64::from(annotated.1),
        aspect: u32::MAX,
    };
    let (picture, _) = decode(bytes, limits)?;
    let found = (picture.width, picture.height);
    if found == annotated {
        Ok(picture)
    } else {
        Err(DatasetError::OtherSize { found, annotated })
    }
}
