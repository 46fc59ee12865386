//! State of a file in the file system, found without reading the file.

use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Two writes within this time may bear the same time stamp: a kernel's clock for files advances
/// in ticks of 1 to 10 ms.
const TICK: Duration = Duration::from_millis(20);

/// The same for file systems that keep whole seconds (FAT: even seconds) alone.
const COARSE_TICK: Duration = Duration::from_secs(2);

const NS_PER_S: i64 = 1_000_000_000;

/// State that identifies a file's content without reading it. Times are in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileState {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) modified_ns: i64,
    /// Last change of content, name, links or mode (`ctime`); no program can set it.
    pub(crate) changed_ns: i64,
    /// The permission bits.
    pub(crate) mode: u32,
    /// Number of hard links to the file.
    pub(crate) links: u64,
}

impl FileState {
    #[cfg(unix)]
    pub(crate) fn new(_path: &Path, metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let ns = |s: i64, ns: i64| s.saturating_mul(NS_PER_S).saturating_add(ns);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
            mode: metadata.mode() & 0o777,
            links: metadata.nlink(),
        }
    }

    /// Without inodes the path stands for the file.
    #[cfg(not(unix))]
    pub(crate) fn new(path: &Path, metadata: &Metadata) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let hash = blake3::hash(absolute.as_os_str().as_encoded_bytes());
        let mut inode = [0; 8];
        inode.copy_from_slice(&hash.as_bytes()[..8]);
        Self {
            device: 0,
            inode: u64::from_le_bytes(inode),
            size: metadata.len(),
            modified_ns: metadata.modified().map_or(0, ns_since_epoch),
            changed_ns: metadata.created().map_or(0, ns_since_epoch),
            mode: 0o444,
            links: 1,
        }
    }

    /// Follows symbolic links.
    pub(crate) fn of(path: &Path) -> std::io::Result<Self> {
        Ok(Self::new(path, &fs_err::metadata(path)?))
    }

    /// Returns whether its owner may execute it.
    pub(crate) fn is_executable(&self) -> bool {
        self.mode & 0o100 != 0
    }

    /// Returns whether it is read-only, as objects are.
    pub(crate) fn is_read_only(&self) -> bool {
        self.mode & 0o333 == 0
    }

    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Returns whether the content is certain to be that of `earlier`, given that only names, links and
    /// mode were meant to change since.
    pub(crate) fn same_content(&self, earlier: &Self) -> bool {
        self.size == earlier.size && self.modified_ns == earlier.modified_ns
    }

    /// Returns whether any later write would change the modification time.
    pub(crate) fn modification_settled(&self, since_ns: i64) -> bool {
        settled(self.modified_ns, since_ns)
    }

    /// Returns whether any later change, a write with a forged modification time included, would show.
    pub(crate) fn settled(&self, since_ns: i64) -> bool {
        self.modification_settled(since_ns) && settled(self.changed_ns, since_ns)
    }

    /// When the file was last modified.
    pub(crate) fn modified(&self) -> SystemTime {
        let distance = Duration::from_nanos(self.modified_ns.unsigned_abs());
        if self.modified_ns < 0 {
            UNIX_EPOCH - distance
        } else {
            UNIX_EPOCH + distance
        }
    }
}

/// Returns whether a change at `since_ns` or later gets another time stamp than `stamp_ns`.
///
/// The problem is known as "racily clean" from git: a file is written, hashed, and written again
/// within one tick of the clock, and looks unchanged. A stamp from the future is safe again, as
/// long as it is not so near that the clock reaches it while the file is being read.
fn settled(stamp_ns: i64, since_ns: i64) -> bool {
    let tick = if stamp_ns % NS_PER_S == 0 {
        COARSE_TICK
    } else {
        TICK
    };
    let tick_ns = i64::try_from(tick.as_nanos()).expect("a tick is short");
    let is_far_future = || stamp_ns > now_ns().saturating_add(60 * NS_PER_S);
    stamp_ns < since_ns.saturating_sub(tick_ns) || is_far_future()
}

/// Time until a file modified just now is settled.
pub(crate) const SETTLING: Duration = TICK.saturating_add(Duration::from_millis(1));

/// Nanoseconds since 1970.
pub(crate) fn now_ns() -> i64 {
    ns_since_epoch(SystemTime::now())
}

fn ns_since_epoch(time: SystemTime) -> i64 {
    let ns = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => ns(after),
        Err(before) => -ns(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_within_a_tick_are_not_trusted() {
        let now = now_ns() / NS_PER_S * NS_PER_S + 1;
        let ms = 1_000_000;
        assert!(!settled(now, now));
        assert!(!settled(now - 19 * ms, now));
        assert!(settled(now - 21 * ms, now));
        assert!(!settled(now + ms, now));
        assert!(settled(now + 3600 * NS_PER_S, now));
        // Whole seconds: the file system may keep no more than that.
        assert!(!settled(now - 1 - NS_PER_S, now));
        assert!(settled(now - 1 - 3 * NS_PER_S, now));
    }

    #[test]
    fn times_before_1970_are_kept() {
        let time = UNIX_EPOCH - Duration::from_nanos(5);
        assert_eq!(ns_since_epoch(time), -5);
    }
}
