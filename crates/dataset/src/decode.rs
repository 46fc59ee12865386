//! From a file's bytes to RGB.

use std::io::{Cursor, ErrorKind};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, RgbImage, codecs};
use tables::annotation::Annotation;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::DatasetError;
use crate::complete::check_complete;
use crate::foreign::{foreign, raw_in_tiff};

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
    /// There are no bytes, or they are those of no picture, or of a format that isn't read.
    pub fn of(bytes: &[u8]) -> Result<Self, DatasetError> {
        if bytes.is_empty() {
            return Err(DatasetError::Empty);
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

/// Whether the orientation in an image's metadata is applied.
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

/// A decoded image with what its file is.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The pixels.
    pub rgb: Rgb,
    /// The file's format.
    pub format: Format,
    /// The orientation that was applied, from 1 to 8 as in EXIF; 1 changes nothing.
    pub orientation: u8,
    /// The first fault that was passed over, as other decoders do.
    pub fault: Option<String>,
}

/// An image's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Pixels from left to right, as shown.
    pub width: u32,
    /// Pixels from top to bottom, as shown.
    pub height: u32,
    /// The file's format.
    pub format: Format,
    /// The orientation that applies, from 1 to 8 as in EXIF; 1 changes nothing.
    pub orientation: u8,
}

/// Decodes a whole JPEG, PNG, WebP, GIF, BMP or TIFF to 8-bit RGB.
///
/// Gray, palettes, CMYK and YCCK become RGB, 16 bits become 8, and what is transparent lies on white. Color profiles are
/// ignored. Of an animation the first frame counts, of several pages the first. Faults in a JPEG that libjpeg passes
/// over (stray bytes between its segments, damaged blocks) are passed over and noted.
///
/// # Errors
/// The bytes are no such image, are truncated or damaged, or the image is beyond `limits`.
pub fn decode(bytes: &[u8], limits: Limits, orient: Orient) -> Result<Decoded, DatasetError> {
    let format = Format::of(bytes)?;
    check_complete(format, bytes)?;
    let (rgb, orientation, fault) = match format {
        Format::Jpeg => decode_jpeg(bytes, limits)?,
        _ => {
            let (rgb, orientation) = decode_by_image(format, bytes, limits)?;
            (rgb, orientation, None)
        }
    };
    let orientation = match orient {
        Orient::Upright => orientation,
        Orient::AsStored => Orientation::NoTransforms,
    };
    Ok(Decoded {
        rgb: turned(rgb, orientation),
        format,
        orientation: orientation.to_exif(),
        fault,
    })
}

/// Reads the header of an image, without decoding its pixels.
///
/// # Errors
/// The bytes are no such image, its header is damaged, or the image is beyond `limits`.
pub fn header(bytes: &[u8], limits: Limits, orient: Orient) -> Result<Header, DatasetError> {
    let format = Format::of(bytes)?;
    let ((width, height), stored) = match format {
        Format::Jpeg => {
            let (_, size, orientation) = jpeg_header(bytes, limits, false)?;
            (size, orientation)
        }
        _ => {
            let mut decoder = open(format, bytes, limits)?;
            (decoder.dimensions(), orientation_of(&mut *decoder))
        }
    };
    let orientation = match orient {
        Orient::Upright => stored,
        Orient::AsStored => Orientation::NoTransforms,
    };
    let (width, height) = if swaps_sides(orientation) {
        (height, width)
    } else {
        (width, height)
    };
    Ok(Header {
        width,
        height,
        format,
        orientation: orientation.to_exif(),
    })
}

fn swaps_sides(orientation: Orientation) -> bool {
    orientation.to_exif() >= 5
}

fn turned(rgb: Rgb, orientation: Orientation) -> Rgb {
    if orientation == Orientation::NoTransforms {
        return rgb;
    }
    let (width, height) = (rgb.width, rgb.height);
    let image = RgbImage::from_raw(width, height, rgb.pixels).expect("`rgb_of` checked the size");
    let mut image = DynamicImage::ImageRgb8(image);
    image.apply_orientation(orientation);
    Rgb {
        width: image.width(),
        height: image.height(),
        pixels: image.into_rgb8().into_raw(),
    }
}

type Jpeg<'b> = JpegDecoder<ZCursor<&'b [u8]>>;

fn jpeg_header(
    bytes: &[u8],
    limits: Limits,
    is_strict: bool,
) -> Result<(Jpeg<'_>, (u32, u32), Orientation), DatasetError> {
    let options = DecoderOptions::default()
        .set_strict_mode(is_strict)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    if let Some(kind) = unread_kind(bytes) {
        return Err(unsupported_jpeg(kind));
    }
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(jpeg_error)?;
    let info = decoder
        .info()
        .ok_or_else(|| damaged(Format::Jpeg, "no header".to_owned()))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    limits.check(width, height)?;
    let exif = decoder
        .exif()
        .and_then(|chunk| Orientation::from_exif_chunk(chunk));
    let orientation = exif.unwrap_or(Orientation::NoTransforms);
    Ok((decoder, (width, height), orientation))
}

/// The kind of a JPEG that no decoder here reads, by its frame header (ITU T.81, B.1.1.3 and B.2.2).
fn unread_kind(bytes: &[u8]) -> Option<&'static str> {
    let (marker, bits) = jpeg_frame(bytes)?;
    match marker {
        0xc3 | 0xc7 | 0xcb | 0xcf => Some("a lossless JPEG"),
        0xc9 | 0xca | 0xcd | 0xce => Some("a JPEG with arithmetic coding"),
        0xc5 | 0xc6 => Some("a hierarchical JPEG"),
        _ if bits == 12 => Some("a JPEG of 12 bits a color"),
        _ => None,
    }
}

/// Marker and bits a color of the frame header.
fn jpeg_frame(bytes: &[u8]) -> Option<(u8, u8)> {
    let mut at = 2;
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xff)?;
        let marker = *bytes.get(at + 1)?;
        match marker {
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some((marker, *bytes.get(at + 4)?));
            }
            0xda => return None,
            0x00 | 0x01 | 0xd0..=0xd9 => at += 2,
            0xff => at += 1,
            _ => {
                let length = bytes.get(at + 2..at + 4)?;
                at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
    }
}

fn decode_jpeg(
    bytes: &[u8],
    limits: Limits,
) -> Result<(Rgb, Orientation, Option<String>), DatasetError> {
    let attempt = |is_strict| -> Result<(Rgb, Orientation), DatasetError> {
        let (mut decoder, (width, height), orientation) = jpeg_header(bytes, limits, is_strict)?;
        let pixels = decoder.decode().map_err(jpeg_error)?;
        Ok((rgb_of(Format::Jpeg, width, height, pixels)?, orientation))
    };
    match attempt(true) {
        Ok((rgb, orientation)) => Ok((rgb, orientation, None)),
        Err(DatasetError::Damaged { reason, .. }) => {
            let (rgb, orientation) = attempt(false)?;
            Ok((rgb, orientation, Some(reason)))
        }
        Err(error) => Err(error),
    }
}

fn jpeg_error(error: DecodeErrors) -> DatasetError {
    damaged(Format::Jpeg, format!("{error:?}"))
}

fn unsupported_jpeg(format: &str) -> DatasetError {
    DatasetError::UnsupportedFormat {
        format: format.to_owned(),
        advice: "save it as a baseline or progressive JPEG, or as PNG",
    }
}

fn open<'b>(
    format: Format,
    bytes: &'b [u8],
    limits: Limits,
) -> Result<Box<dyn ImageDecoder + 'b>, DatasetError> {
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
) -> Result<(Rgb, Orientation), DatasetError> {
    let mut decoder = open(format, bytes, limits)?;
    let (width, height) = decoder.dimensions();
    let orientation = orientation_of(&mut *decoder);
    let picture =
        DynamicImage::from_decoder(decoder).map_err(|error| image_error(format, error))?;
    let pixels = if picture.color().has_alpha() {
        on_white(picture.to_rgba8().as_raw())
    } else {
        picture.into_rgb8().into_raw()
    };
    Ok((rgb_of(format, width, height, pixels)?, orientation))
}

fn image_error(format: Format, error: ImageError) -> DatasetError {
    match error {
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            DatasetError::Truncated {
                format: format.name(),
                missing: "it ends before its pixels do",
            }
        }
        ImageError::Unsupported(error) => DatasetError::UnsupportedFormat {
            format: format!("{} of this kind ({error})", format.name()),
            advice: "convert it to PNG or JPEG",
        },
        error => damaged(format, error.to_string()),
    }
}

fn damaged(format: Format, reason: String) -> DatasetError {
    DatasetError::Damaged {
        format: format.name(),
        reason,
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

/// The size and orientation that an image was annotated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Annotated {
    /// Pixels from left to right, as shown.
    pub width: u32,
    /// Pixels from top to bottom, as shown.
    pub height: u32,
    /// The orientation that was applied, from 1 to 8 as in EXIF.
    pub orientation: u8,
}

impl From<&Annotation> for Annotated {
    fn from(row: &Annotation) -> Self {
        Self {
            width: row.width,
            height: row.height,
            orientation: row.orientation,
        }
    }
}

/// Decodes an image as it was annotated.
///
/// # Errors
/// As [`decode`], or the image has another size.
pub fn decode_annotated(bytes: &[u8], annotated: Annotated) -> Result<Rgb, DatasetError> {
    // The annotated image was within the limits of its stage; a larger one is another image.
    let limits = Limits {
        pixels: u64::from(annotated.width) * u64::from(annotated.height),
        aspect: u32::MAX,
    };
    let Decoded { rgb, .. } = decode(bytes, limits, Orient::by(annotated.orientation != 1))?;
    let found = (rgb.width, rgb.height);
    let annotated = (annotated.width, annotated.height);
    if found == annotated {
        Ok(rgb)
    } else {
        Err(DatasetError::OtherSize { found, annotated })
    }
}
