//! Reads and decodes every file.

use std::io::Read;
use std::path::Path;

use dataset::{DatasetError, Limits, decode};
use fs_err::File;
use rayon::prelude::*;
use stage::Progress;

use crate::scan::Candidate;

/// Room for EXIF, thumbnails and color profiles in the largest file that is read.
const METADATA_BYTES: u64 = 64 << 20;

/// What a picture file is.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) format: &'static str,
    pub(crate) bytes: u64,
    pub(crate) content_hash: String,
}

/// Why a file is no picture: reason and detail.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: &'static str,
    pub(crate) detail: String,
}

/// One result for each candidate. The whole file is decoded, since nothing else tells that it's sound; memory holds a
/// picture a thread.
pub(crate) fn inspect(
    root: &Path,
    candidates: &[Candidate],
    limits: Limits,
) -> Vec<Result<Inspected, Refused>> {
    let progress = Progress::start("pictures", candidates.len());
    candidates
        .par_iter()
        .map(|candidate| {
            let result = inspect_file(&root.join(&candidate.path), limits);
            progress.advance(1);
            result.map_err(refused)
        })
        .collect()
}

fn inspect_file(path: &Path, limits: Limits) -> Result<Inspected, DatasetError> {
    // A pixel has at most four channels of two bytes.
    let max_bytes = limits
        .pixels
        .saturating_mul(8)
        .saturating_add(METADATA_BYTES);
    let mut bytes = Vec::new();
    File::open(path)?.take(max_bytes).read_to_end(&mut bytes)?;
    let (picture, format) = decode(&bytes, limits)?;
    Ok(Inspected {
        width: picture.width,
        height: picture.height,
        format: format.name(),
        bytes: bytes.len() as u64,
        content_hash: blake3::hash(&bytes).to_hex().to_string(),
    })
}

fn refused(error: DatasetError) -> Refused {
    Refused {
        reason: error.kind(),
        detail: match &error {
            // The message of the file system holds the whole path, which differs from machine to machine.
            DatasetError::Io(io) => io.kind().to_string(),
            other => other.to_string(),
        },
    }
}
