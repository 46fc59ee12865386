//! How large the cache may grow: what is said of it, and what is removed once it is beyond its limits.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use store::{Amount, Keep};

use super::Scope;
use crate::error::Result;
use crate::workspace::Workspace;

/// A cache of more bytes is large, whatever uses it.
const LARGE: u64 = 5_000_000_000;

/// A cache of more bytes than this times what the current state uses is large, from [`LEAST`] on.
const SHARE: u64 = 10;

/// A cache of fewer bytes is never large.
const LEAST: u64 = 500_000_000;

/// Where the size is noted, in the runner's folder.
const FILE: &str = "cache-size.json";

/// A cache that is large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Large {
    /// All that it holds.
    pub bytes: u64,
    /// What the current state uses of it.
    pub used_bytes: u64,
}

/// The size of the cache as it was when its folders had these times.
#[derive(Serialize, Deserialize)]
struct Noted {
    folders: String,
    bytes: u64,
}

impl Workspace {
    /// The size of the cache, if that is beyond its limit or out of proportion to what the current state uses.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn large_cache(&self) -> Result<Option<Large>> {
        let bytes = self.cache_bytes()?;
        let limit = self.workflow.declaration.cache.max_size;
        if bytes < LEAST && limit.is_none_or(|limit| bytes <= limit) {
            return Ok(None);
        }
        let used_bytes = self.used_bytes();
        let is_beyond = limit.is_some_and(|limit| bytes > limit);
        let large = Large { bytes, used_bytes };
        Ok((is_beyond || is_large(large)).then_some(large))
    }

    /// Bytes in the cache. Files are looked at only where one was added or removed since the last time.
    fn cache_bytes(&self) -> Result<u64> {
        let Some(store) = &self.store else {
            return Ok(0);
        };
        let folders = store.state_of_folders()?;
        let path = self.own(FILE);
        let noted = fs_err::read(&path).ok();
        let noted = noted.and_then(|noted| serde_json::from_slice::<Noted>(&noted).ok());
        if let Some(noted) = noted.filter(|noted| noted.folders == folders) {
            return Ok(noted.bytes);
        }
        let size = store.size()?;
        let bytes = size.bytes();
        let text = serde_json::to_vec(&Noted { folders, bytes }).map_err(std::io::Error::from)?;
        // What cannot be noted is counted again.
        let _ = store::write_whole(&path, &text);
        Ok(bytes)
    }

    fn used_bytes(&self) -> u64 {
        let outputs = self
            .lock
            .iter()
            .flat_map(|(_, locked)| locked.outputs.values());
        let bytes = outputs.map(|digest| { self.store.as_ref() }.map_or(0, |s| s.bytes_of(digest)));
        bytes.sum()
    }

    /// Removes from the cache what is beyond the limits of `pipeline.toml` and in no use; none where it has no limit.
    pub(crate) fn trim_cache(&mut self) -> Result<Option<Amount>> {
        let limits = self.workflow.declaration.cache;
        let is_beyond = |bytes: u64| limits.max_size.is_some_and(|limit| bytes > limit);
        if limits.max_age.is_none() && !is_beyond(self.cache_bytes()?) {
            return Ok(None);
        }
        let keep = self.kept(self.default_scope())?;
        let keep = self.fitting(keep)?;
        Ok(Some(self.store()?.sweep(&keep, false)?))
    }

    /// What a clearing keeps where nobody says.
    pub(super) fn default_scope(&self) -> Scope {
        Scope {
            workspace: true,
            commits: false,
            // Where the size has a limit and the age none, all may stay that fits.
            younger_than: self.workflow.declaration.cache.max_age,
        }
    }

    /// Lets also unused results stay, as many of the youngest as fit the limit of the size; fewer where not all fit that
    /// `keep` has.
    pub(super) fn fitting(&self, keep: Keep) -> Result<Keep> {
        let Some(limit) = self.workflow.declaration.cache.max_size else {
            return Ok(keep);
        };
        let store = self.store()?;
        let size = store.size()?;
        let bytes = size.bytes();
        let records = store.records()?.into_iter();
        let mut times: Vec<SystemTime> = records.filter_map(|(_, _, time)| time).collect();
        // At the latest of the limits of age, as all that is younger may be too much.
        times.extend(keep.since);
        times.sort_unstable();
        times.dedup();
        let oldest = keep
            .since
            .filter(|_| self.workflow.declaration.cache.max_age.is_some());
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
}

fn is_large(cache: Large) -> bool {
    let out_of_proportion = cache.bytes > cache.used_bytes.saturating_mul(SHARE);
    cache.bytes > LARGE || (cache.bytes >= LEAST && out_of_proportion)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_is_measured_by_what_is_used() {
        let check = |bytes, used_bytes| is_large(Large { bytes, used_bytes });
        assert!(check(5_000_000_001, 5_000_000_000));
        assert!(!check(4_000_000_000, 400_000_000));
        assert!(check(4_000_000_001, 400_000_000));
        assert!(!check(400_000_000, 0));
    }
}
