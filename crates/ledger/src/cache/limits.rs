//! Limits of the size of the cache: a report on a large cache, and contents to remove beyond the limits.

use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use store::{Keep, Store};
use workflow::declaration::CacheLimits;

use crate::error::Result;
use crate::own;

/// A cache of more bytes is large, whatever uses it.
const LARGE: u64 = 5_000_000_000;

/// A cache of more than this times the bytes of the current state is large, from [`LEAST`] on.
const SHARE: u64 = 10;

/// A cache of fewer bytes is never large.
const LEAST: u64 = 500_000_000;

/// File with the size, in the runner's folder.
const FILE: &str = "cache-size.json";

/// A cache that is large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Large {
    /// All that it holds.
    pub bytes: u64,
    /// Bytes that the current state uses.
    pub used_bytes: u64,
}

/// The size of the cache as it was when its folders had these times.
#[derive(Serialize, Deserialize)]
struct Noted {
    folders: String,
    bytes: u64,
}

/// The size of a cache of so many bytes, if it is beyond `limit` or out of proportion to the used bytes.
pub(super) fn large(
    bytes: u64,
    limit: Option<u64>,
    used_bytes: impl FnOnce() -> u64,
) -> Option<Large> {
    if bytes < LEAST && limit.is_none_or(|limit| bytes <= limit) {
        return None;
    }
    let used_bytes = used_bytes();
    let is_beyond = limit.is_some_and(|limit| bytes > limit);
    let large = Large { bytes, used_bytes };
    (is_beyond || is_large(large)).then_some(large)
}

/// Bytes in the cache. Files are looked at only where one was added or removed since the last time.
pub(super) fn bytes(store: &Store, root: &Path) -> Result<u64> {
    let folders = store.state_of_folders()?;
    let path = own(root, FILE);
    let noted = fs_err::read(&path).ok();
    let noted = noted.and_then(|noted| serde_json::from_slice::<Noted>(&noted).ok());
    if let Some(noted) = noted.filter(|noted| noted.folders == folders) {
        return Ok(noted.bytes);
    }
    let size = store.size()?;
    let bytes = size.bytes();
    let text = serde_json::to_vec(&Noted { folders, bytes }).map_err(std::io::Error::from)?;
    // Without the file, bytes are counted again.
    let _ = store::write_whole(&path, &text);
    Ok(bytes)
}

/// Lets also unused results stay, as many of the youngest as fit the limit of the size; fewer where not all fit that
/// `keep` has.
pub(super) fn fitting(store: &Store, limits: CacheLimits, keep: Keep) -> Result<Keep> {
    let Some(limit) = limits.max_size else {
        return Ok(keep);
    };
    let size = store.size()?;
    let bytes = size.bytes();
    let records = store.records()?.into_iter();
    let mut times: Vec<SystemTime> = records.filter_map(|(_, _, time)| time).collect();
    // At the latest of the limits of age, as all that is younger may be too much.
    times.extend(keep.since);
    times.sort_unstable();
    times.dedup();
    let oldest = keep.since.filter(|_| limits.max_age.is_some());
    times.retain(|time| oldest.is_none_or(|oldest| *time >= oldest));
    let since = |time: Option<SystemTime>| Keep {
        since: time,
        ..keep.clone()
    };
    let (mut fits, mut too_early) = (times.len(), 0);
    while too_early < fits {
        let middle = usize::midpoint(too_early, fits);
        let removed = store.sweep(&since(Some(times[middle])), true)?;
        if bytes.saturating_sub(removed.bytes) <= limit {
            fits = middle;
        } else {
            too_early = middle + 1;
        }
    }
    Ok(since(times.get(fits).copied()))
}

fn is_large(cache: Large) -> bool {
    let out_of_proportion = cache.bytes > cache.used_bytes.saturating_mul(SHARE);
    cache.bytes > LARGE || (cache.bytes >= LEAST && out_of_proportion)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_cache_is_measured_by_used_bytes() {
        let check = |bytes, used_bytes| is_large(Large { bytes, used_bytes });
        assert!(check(5_000_000_001, 5_000_000_000));
        assert!(!check(4_000_000_000, 400_000_000));
        assert!(check(4_000_000_001, 400_000_000));
        assert!(!check(400_000_000, 0));
    }
}
