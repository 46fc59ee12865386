//! Whether files were written to, even if they say again what they said.

use std::path::Path;

use crate::file_state::FileState;
use crate::walk::Listing;
use crate::{Digest, Result};

/// Which files are at a path, how large they are and when they were last written to.
///
/// Equal stamps tell that nobody has written in between, different ones that somebody may have: content that changes
/// and changes back has the same digest and another stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(Digest);

impl Stamp {
    /// The stamp of the file, or of all files in the folder, at `path`. Nothing is read.
    ///
    /// # Errors
    /// As for [`Index::digest`](crate::Index::digest).
    pub fn of(path: &Path) -> Result<Self> {
        let mut hasher = blake3::Hasher::new();
        for file in &Listing::of(path)?.files {
            hasher.update(file.relative.as_bytes());
            for number in numbers(&file.state) {
                hasher.update(&number.to_le_bytes());
            }
        }
        Ok(Self(hasher.finalize().into()))
    }
}

fn numbers(state: &FileState) -> [u64; 4] {
    // The cache links its objects elsewhere at any time, which changes their time of change. That of a file with one
    // name shows also a write after which the time of modification was set back.
    let changed_ns = if state.links == 1 {
        state.changed_ns
    } else {
        0
    };
    [
        state.inode,
        state.size,
        state.modified_ns.cast_unsigned(),
        changed_ns.cast_unsigned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_and_changes_back_has_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inner/file");
        fs_err::create_dir(folder.path().join("inner")).unwrap();
        fs_err::write(&path, "content").unwrap();
        let stamps = || [&path, folder.path()].map(|path| Stamp::of(path).unwrap());
        let before = stamps();
        std::thread::sleep(crate::file_state::SETTLING);
        assert_eq!(stamps(), before);
        fs_err::write(&path, "another").unwrap();
        fs_err::write(&path, "content").unwrap();
        let after = stamps();
        assert!(after[0] != before[0] && after[1] != before[1]);
        fs_err::write(folder.path().join("inner/new"), "").unwrap();
        assert!(stamps()[1] != after[1]);
    }
}
