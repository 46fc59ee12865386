//! Detection of writes to files, also of writes that leave the content as it was.

use crate::Digest;
use crate::file_state::FileState;
use crate::walk::Listing;

/// To hash many bytes at once is faster.
const FILES_AT_ONCE: usize = 1000;

/// Files at a path, with sizes and times of the last write.
///
/// Stamps are equal if there was no write in between. Content that changes and changes back has the same digest and
/// another stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(Digest);

impl Stamp {
    /// The stamp of all files in a listing.
    pub(crate) fn of(listing: &Listing) -> Self {
        let mut hasher = blake3::Hasher::new();
        let mut bytes = Vec::new();
        for some in listing.files.chunks(FILES_AT_ONCE) {
            bytes.clear();
            for file in some {
                bytes.extend_from_slice(file.relative.as_bytes());
                let numbers = numbers(&file.state);
                bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            }
            hasher.update(&bytes);
        }
        for entry in &listing.unusable {
            hasher.update(entry.relative.as_bytes());
            hasher.update(entry.reason.name().as_bytes());
        }
        Self(hasher.finalize().into())
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
    use std::path::Path;

    use super::*;

    #[test]
    fn content_that_changes_and_changes_back_has_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inner/file");
        fs_err::create_dir(folder.path().join("inner")).unwrap();
        fs_err::write(&path, "content").unwrap();
        let stamp = |path: &Path| Stamp::of(&Listing::of(path, walk::Rules::Output).unwrap());
        let stamps = || [&path, folder.path()].map(stamp);
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
