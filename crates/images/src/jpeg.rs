//! JPEG to RGB.

use image::metadata::Orientation;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::{Format, ImageError, Limits, Rgb};

type Jpeg<'b> = JpegDecoder<ZCursor<&'b [u8]>>;

/// A decoder that has read the header, with width and height as stored.
pub(crate) fn header(
    bytes: &[u8],
    limits: Limits,
    is_strict: bool,
) -> Result<(Jpeg<'_>, (u32, u32), Orientation), ImageError> {
    let options = DecoderOptions::default()
        .set_strict_mode(is_strict)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    if let Some(kind) = unread_kind(bytes) {
        return Err(unsupported(kind));
    }
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(error_of)?;
    let info = decoder
        .info()
        .ok_or_else(|| damaged("no header".to_owned()))?;
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
    let Frame {
        marker,
        bits,
        n_components,
        n_in_first_scan,
    } = frame(bytes)?;
    match marker {
        0xc3 | 0xc7 | 0xcb | 0xcf => Some("a lossless JPEG"),
        0xc9 | 0xca | 0xcd | 0xce => Some("a JPEG with arithmetic coding"),
        0xc5 | 0xc6 => Some("a hierarchical JPEG"),
        _ if bits == 12 => Some("a JPEG of 12 bits a color"),
        // The decoder mistakes the tables of later scans, without an error: colors are wrong.
        _ if n_in_first_scan < n_components => Some("a JPEG with a scan for each color"),
        _ => None,
    }
}

/// Header of a JPEG's frame.
struct Frame {
    marker: u8,
    /// Bits a color.
    bits: u8,
    n_components: u8,
    /// Components in the first scan; all if the file has no scan.
    n_in_first_scan: u8,
}

/// The frame header, and the first scan's number of components (ITU T.81, B.2.3).
fn frame(bytes: &[u8]) -> Option<Frame> {
    let mut found: Option<Frame> = None;
    let mut at = 2;
    loop {
        let Some((start, marker)) = next_marker(bytes, at) else {
            return found;
        };
        at = start;
        match marker {
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let n_components = *bytes.get(at + 9)?;
                found = Some(Frame {
                    marker,
                    bits: *bytes.get(at + 4)?,
                    n_components,
                    n_in_first_scan: n_components,
                });
            }
            0xda => {
                let n_in_first_scan = bytes.get(at + 4).copied();
                return found.map(|frame| Frame {
                    n_in_first_scan: n_in_first_scan.unwrap_or(frame.n_components),
                    ..frame
                });
            }
            _ => {}
        }
        at = match marker {
            0x00 | 0x01 | 0xd0..=0xd9 => at + 2,
            0xff => at + 1,
            _ => {
                let Some(length) = bytes.get(at + 2..at + 4) else {
                    return found;
                };
                at + 2 + usize::from(u16::from_be_bytes([length[0], length[1]]))
            }
        };
    }
}

/// Place of the next 0xff from `at` on, and the marker behind it.
fn next_marker(bytes: &[u8], at: usize) -> Option<(usize, u8)> {
    let start = at + bytes.get(at..)?.iter().position(|&byte| byte == 0xff)?;
    Some((start, *bytes.get(start + 1)?))
}

/// Pixels as stored, with their orientation and the first fault that was passed over.
pub(crate) fn decode(
    bytes: &[u8],
    limits: Limits,
) -> Result<(Rgb, Orientation, Option<String>), ImageError> {
    let attempt = |is_strict| -> Result<(Rgb, Orientation), ImageError> {
        let (mut decoder, (width, height), orientation) = header(bytes, limits, is_strict)?;
        let pixels = decoder.decode().map_err(error_of)?;
        Ok((
            Rgb::decoded(Format::Jpeg, width, height, pixels)?,
            orientation,
        ))
    };
    match attempt(true) {
        Ok((rgb, orientation)) => Ok((rgb, orientation, None)),
        Err(ImageError::Damaged { reason, .. }) => {
            let (rgb, orientation) = attempt(false)?;
            Ok((rgb, orientation, Some(reason)))
        }
        Err(error) => Err(error),
    }
}

fn error_of(error: DecodeErrors) -> ImageError {
    damaged(format!("{error:?}"))
}

fn unsupported(format: &str) -> ImageError {
    ImageError::UnsupportedFormat {
        format: format.to_owned(),
        advice: "save it as a baseline or progressive JPEG, or as PNG",
    }
}

fn damaged(reason: String) -> ImageError {
    ImageError::Damaged {
        format: Format::Jpeg.name(),
        reason,
    }
}
