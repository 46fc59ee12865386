//! Check that an image file has its end.
//!
//! Decoders are lenient: most fill the missing part of a truncated file with gray, without an error. So the file's own structure
//! is walked first, which reads no pixel.

use crate::{Format, ImageError};

/// Checks that `bytes` reach the end that their format demands; bytes behind the end don't matter.
pub(crate) fn check_complete(format: Format, bytes: &[u8]) -> Result<(), ImageError> {
    let missing = match format {
        Format::Jpeg => jpeg_missing(bytes),
        Format::Png => png_missing(bytes),
        Format::WebP => webp_missing(bytes),
        // Their decoders notice.
        Format::Gif | Format::Bmp | Format::Tiff => None,
    };
    match missing {
        None => Ok(()),
        Some(missing) => Err(ImageError::Truncated {
            format: format.name(),
            missing,
        }),
    }
}

/// Walks the segments of a JPEG to its end-of-image marker (ITU T.81, B.1.1).
fn jpeg_missing(bytes: &[u8]) -> Option<&'static str> {
    const NO_END: Option<&str> = Some("no end-of-image marker");
    // Damage can lead the walk astray.
    if bytes.ends_with(&[0xff, 0xd9]) {
        return None;
    }
    let mut at = 2;
    loop {
        // Any number of 0xff may fill the space before a marker; a lenient walk skips other bytes too, as decoders do.
        let Some(start) = bytes
            .get(at..)
            .and_then(|rest| rest.iter().position(|&byte| byte == 0xff))
        else {
            return NO_END;
        };
        at += start + 1;
        let Some(&marker) = bytes.get(at) else {
            return NO_END;
        };
        match marker {
            0xd9 => return None,
            // A stuffed zero, a fill byte, a restart, a temporary marker: no segment follows.
            0x00 | 0xff | 0x01 | 0xd0..=0xd8 => at += usize::from(marker != 0xff),
            _ => {
                let Some(&[high, low]) = bytes.get(at + 1..at + 3) else {
                    return NO_END;
                };
                at += 1 + usize::from(u16::from_be_bytes([high, low]));
            }
        }
    }
}

/// Walks the chunks of a PNG to `IEND` (ISO 15948, 5.3).
fn png_missing(bytes: &[u8]) -> Option<&'static str> {
    let mut at = 8;
    while let Some(header) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
        at += 12 + usize::try_from(length).unwrap_or(usize::MAX / 2);
        if &header[4..] == b"IEND" {
            return (at > bytes.len()).then_some("the last chunk is cut");
        }
    }
    Some("no `IEND` chunk")
}

/// Compares a WebP's size by its RIFF header with its bytes.
fn webp_missing(bytes: &[u8]) -> Option<&'static str> {
    let size = bytes
        .get(4..8)
        .map(|size| u32::from_le_bytes([size[0], size[1], size[2], size[3]]));
    match size {
        Some(size) if u64::from(size) + 8 <= bytes.len() as u64 => None,
        _ => Some("fewer bytes than its header says"),
    }
}
