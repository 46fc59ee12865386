//! Reads and decodes every file.

use std::io::Read;
use std::path::Path;

use fs_err::File;
use images::{Format, ImageError, Limits, Orient, Rgb, decode};
use rayon::prelude::*;
use stage::Progress;

/// Room for EXIF, thumbnails and color profiles in the largest file that is read.
const METADATA_BYTES: u64 = 64 << 20;

/// Bytes at the front of a file by which files of other kinds are recognized, before memory is taken for all of it.
const FRONT_BYTES: u64 = 4096;

/// Facts of an image's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFacts {
    /// Pixels from left to right, as shown.
    pub width: u32,
    /// Pixels from top to bottom, as shown.
    pub height: u32,
    /// The orientation that was applied, from 1 to 8 as in EXIF.
    pub orientation: u8,
    /// Name of the format.
    pub format: String,
    /// Size of the file.
    pub bytes: u64,
    /// BLAKE3 of the file's content, in hexadecimal digits.
    pub content_hash: String,
    /// The first damage that was passed over, as other decoders do.
    pub damage: Option<String>,
}

/// Fault for which a file is no image of the study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFault {
    /// One word for the kind.
    pub reason: String,
    /// A sentence.
    pub detail: String,
}

/// One result for each of `paths`, which are relative to `root`. The whole file is decoded, since nothing else shows that
/// it's sound; memory holds an image a thread.
pub fn read(
    root: &Path,
    paths: &[&str],
    limits: Limits,
    orient: Orient,
) -> Vec<Result<ImageFacts, FileFault>> {
    let progress = Progress::start("images", paths.len());
    paths
        .par_iter()
        .map(|path| {
            let result = read_image(&root.join(path), limits, orient);
            progress.advance(1);
            result.map(|(facts, _)| facts)
        })
        .collect()
}

/// The facts and the pixels of the image in the file `path`, which is read once.
///
/// # Errors
/// The file cannot be read, is no image, is damaged, or the image is beyond `limits`.
pub fn read_image(
    path: &Path,
    limits: Limits,
    orient: Orient,
) -> Result<(ImageFacts, Rgb), FileFault> {
    let bytes = read_bytes(path, limits).map_err(fault_of)?;
    let decoded = decode(&bytes, limits, orient).map_err(fault_of)?;
    let facts = ImageFacts {
        width: decoded.rgb.width,
        height: decoded.rgb.height,
        orientation: decoded.orientation,
        format: decoded.format.name().to_owned(),
        bytes: bytes.len() as u64,
        content_hash: blake3::hash(&bytes).to_hex().to_string(),
        damage: decoded.damage,
    };
    Ok((facts, decoded.rgb))
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
    let mut file = file.take(limit);
    let mut bytes = Vec::new();
    file.by_ref().take(FRONT_BYTES).read_to_end(&mut bytes)?;
    Format::of(&bytes)?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn fault_of(error: ImageError) -> FileFault {
    FileFault {
        reason: error.kind().to_owned(),
        detail: match &error {
            // The message of the file system holds the whole path, which differs from machine to machine.
            ImageError::Io(io) => io.kind().to_string(),
            other => other.to_string(),
        },
    }
}
