//! Hashing files, with or without copying them.

use std::io::{Read, Seek, Write};
use std::path::Path;

use fs_err::File;

use crate::file_state::{FileState, now_ns};
use crate::{Digest, Error, Result};

/// A file is read in blocks of this many bytes; they stay in a core's cache while hashed.
const BLOCK: usize = 1 << 20;

/// Number of attempts to read a file that changes meanwhile.
const ATTEMPTS: usize = 3;

/// Size beyond which a file wasn't written by this program.
const LARGEST: u64 = 1 << 30;

/// The content of a file and the state that it had from before until after it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashed {
    pub(crate) digest: Digest,
    pub(crate) state: FileState,
    /// When reading began.
    pub(crate) since_ns: i64,
}

/// Reads and hashes the file at `path`.
pub(crate) fn hash_file(path: &Path) -> Result<Hashed> {
    read_steadily(path, |file, size| hash_stream(file, size, |_| Ok(())))
}

/// Reads the file at `path` once, hashing it and writing it to the new file `to`.
pub(crate) fn copy_and_hash(path: &Path, to: &Path) -> Result<Hashed> {
    let mut copy = File::create(to)?;
    read_steadily(path, |file, size| {
        copy.set_len(0)?;
        copy.rewind()?;
        hash_stream(file, size, |block| copy.write_all(block))
    })
}

/// The content of a file of the runner's own: nothing where a link, a pipe or something endless stands, which it never
/// wrote.
///
/// # Errors
/// Nothing is there, or it cannot be read.
pub fn read_own(path: &Path) -> std::io::Result<Vec<u8>> {
    let metadata = fs_err::symlink_metadata(path)?;
    if metadata.is_file() && metadata.len() <= LARGEST {
        fs_err::read(path)
    } else {
        Ok(Vec::new())
    }
}

fn read_steadily(
    path: &Path,
    mut read: impl FnMut(&mut File, u64) -> std::io::Result<Digest>,
) -> Result<Hashed> {
    let mut file = File::open(path)?;
    let mut before = FileState::new(path, &file.metadata()?);
    for _ in 0..ATTEMPTS {
        let since_ns = now_ns();
        file.rewind()?;
        let digest = read(&mut file, before.size)?;
        let state = FileState::new(path, &file.metadata()?);
        if state.same_content(&before) {
            return Ok(Hashed {
                digest,
                state,
                since_ns,
            });
        }
        before = state;
    }
    Err(Error::Changed {
        path: path.to_owned(),
    })
}

/// Hashes the rest of `file`, about `size` bytes, and passes each block to `sink`.
fn hash_stream(
    file: &mut File,
    size: u64,
    mut sink: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    // One byte more than the size: the end of a small file is then seen without a second block.
    let room = usize::try_from(size).map_or(BLOCK, |size| size.saturating_add(1).min(BLOCK));
    let mut block = vec![0; room];
    loop {
        let filled = fill(file, &mut block)?;
        if filled == BLOCK {
            hasher.update_rayon(&block);
        } else {
            hasher.update(&block[..filled]);
        }
        sink(&block[..filled])?;
        if filled < block.len() {
            return Ok(hasher.finalize().into());
        }
    }
}

/// Reads until `block` is full or the file ends; returns the number of bytes read.
fn fill(file: &mut File, block: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match file.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Returns whether a file is at `path`, and no link to one.
pub(crate) fn is_plain_file(path: &Path) -> bool {
    fs_err::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_hashes_as_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
            let bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
            fs_err::write(&path, &bytes).unwrap();
            let copy = folder.path().join("copy");
            assert_eq!(hash_file(&path).unwrap().digest, Digest::of_bytes(&bytes));
            let copied = copy_and_hash(&path, &copy).unwrap();
            assert_eq!(copied.digest, Digest::of_bytes(&bytes));
            assert_eq!(fs_err::read(&copy).unwrap(), bytes);
        }
    }
}
