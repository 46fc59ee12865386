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

/// Marker of a scan's header.
const SCAN: u8 = 0xda;

/// The frame header, and the first scan's number of components (ITU T.81, B.2.3).
fn frame(bytes: &[u8]) -> Option<Frame> {
    let is_frame = |marker| matches!(marker, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf);
    let (at, marker) = segment(bytes, 2, |marker| is_frame(marker) || marker == SCAN)?;
    if marker == SCAN {
        return None;
    }
    let n_components = *bytes.get(at + 9)?;
    let scan = segment(bytes, at, |marker| marker == SCAN);
    let n_in_first_scan = scan.and_then(|(scan, _)| bytes.get(scan + 4).copied());
    Some(Frame {
        marker,
        bits: *bytes.get(at + 4)?,
        n_components,
        n_in_first_scan: n_in_first_scan.unwrap_or(n_components),
    })
}

/// Place and marker of the first segment from `at` on with a marker that is wanted.
fn segment(bytes: &[u8], mut at: usize, is_wanted: impl Fn(u8) -> bool) -> Option<(usize, u8)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xff)?;
        let marker = *bytes.get(at + 1)?;
        if is_wanted(marker) {
            return Some((at, marker));
        }
        match marker {
            0x00 | 0x01 | 0xd0..=0xd9 => at += 2,
            0xff => at += 1,
            _ => {
                let length = bytes.get(at + 2..at + 4)?;
                at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
    }
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
