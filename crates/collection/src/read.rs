//! Reads and decodes every file.

use std::io::Read;
use std::path::Path;

use fs_err::File;
use images::{Header, ImageError, Limits, Orient, decode, header};
use rayon::prelude::*;
use stage::Progress;

use crate::Candidate;

/// Room for EXIF, thumbnails and color profiles in the largest file that is read.
const METADATA_BYTES: u64 = 64 << 20;

/// Facts of an image's file.
#[derive(Debug)]
pub struct Inspected {
    /// Pixels from left to right, as shown.
    pub width: u32,
    /// Pixels from top to bottom, as shown.
    pub height: u32,
    /// The orientation that was applied, from 1 to 8 as in EXIF.
    pub orientation: u8,
    /// Name of the format.
    pub format: &'static str,
    /// Size of the file.
    pub bytes: u64,
    /// BLAKE3 of the file's content, in hexadecimal digits.
    pub content_hash: String,
    /// The first fault that was passed over, as other decoders do.
    pub fault: Option<String>,
}

/// Why a file is no image of the study.
#[derive(Debug)]
pub struct Refused {
    /// One word for the kind.
    pub reason: &'static str,
    /// A sentence.
    pub detail: String,
}

/// One result for each candidate. The whole file is decoded, since nothing else tells that it's sound; memory holds an
/// image a thread.
pub fn read(
    root: &Path,
    candidates: &[Candidate],
    limits: Limits,
    orient: Orient,
) -> Vec<Result<Inspected, Refused>> {
    let progress = Progress::start("images", candidates.len());
    candidates
        .par_iter()
        .map(|candidate| {
            let result = read_image(&root.join(&candidate.path), limits, orient);
            progress.advance(1);
            result.map_err(refused)
        })
        .collect()
}

/// The header and the size in bytes of the image's file at `path`. A file that passes may still be damaged.
///
/// # Errors
/// The file cannot be read, is no image, or the image is beyond `limits`.
pub fn measure(path: &Path, limits: Limits, orient: Orient) -> Result<(Header, u64), Refused> {
    let measured = read_bytes(path, limits)
        .and_then(|bytes| Ok((header(&bytes, limits, orient)?, bytes.len() as u64)));
    measured.map_err(refused)
}

fn read_image(path: &Path, limits: Limits, orient: Orient) -> Result<Inspected, ImageError> {
    let bytes = read_bytes(path, limits)?;
    let decoded = decode(&bytes, limits, orient)?;
    Ok(Inspected {
        width: decoded.rgb.width,
        height: decoded.rgb.height,
        orientation: decoded.orientation,
        format: decoded.format.name(),
        bytes: bytes.len() as u64,
        content_hash: blake3::hash(&bytes).to_hex().to_string(),
        fault: decoded.fault,
    })
}

fn read_bytes(path: &Path, limits: Limits) -> Result<Vec<u8>, ImageError> {
    // A pixel has at most four channels of four bytes.
    let limit = limits
        .pixels
        .saturating_mul(16)
        .saturating_add(METADATA_BYTES);
    let file = File::open(path)?;
    if file.metadata()?.len() > limit {
        return Err(ImageError::FileTooLarge { limit });
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn refused(error: ImageError) -> Refused {
    Refused {
        reason: error.kind(),
        detail: match &error {
            // The message of the file system holds the whole path, which differs from machine to machine.
            ImageError::Io(io) => io.kind().to_string(),
            other => other.to_string(),
        },
    }
}
