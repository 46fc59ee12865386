//! The file-state index: maps the state of a file to the digest of its content.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use rayon::prelude::*;
use walk::Rules;

use crate::file_state::{FileState, now_ns};
use crate::read::{Hashed, hash_file, read_own};
use crate::stamp::Stamp;
use crate::walk::{Found, Listing};
use crate::write::write_whole;
use crate::{Digest, Result};

mod entry;
mod format;

use entry::{Entry, Key};

/// A file or folder as it was at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Digest of its content.
    pub digest: Digest,
    stamp: Stamp,
    /// True if any later write shows in the stamp.
    is_firm: bool,
    /// Rules by which files of a folder count.
    rules: Rules,
}

/// Change of a file or folder since it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// No write.
    Untouched,
    /// The content is the same, and may have been another meanwhile.
    ChangedBack,
    /// The content is another, or missing.
    Changed,
}

/// An entry that wasn't used in this many days is dropped.
const KEPT_DAYS: u32 = 60;

/// Use is noted only when the last note is this old, so that a mere check writes nothing.
const NOTED_DAYS: u32 = 7;

/// Maps the state of a file (inode, size, times of modification and change) to its digest.
///
/// The entry belongs to the inode, not to the path: all hard links of an object share one, and a
/// renamed file or a moved workspace needs no new entry. An entry is made only if any later write
/// would show in the file's times; a file written within the clock's tick of being hashed is
/// hashed again next time.
///
/// The index is a cache of this machine: losing it costs time, nothing else.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    entries: BTreeMap<Key, Entry>,
    today: u32,
    changed: AtomicBool,
    files_read: AtomicU64,
}

impl Index {
    /// Reads the index at `path`; a missing, outdated or corrupt one is as an empty one.
    ///
    /// # Errors
    /// The folder of `path` cannot be made.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let entries = read_own(&path).ok();
        let entries = entries.and_then(|bytes| format::decode(&bytes));
        Ok(Self {
            path,
            entries: entries.unwrap_or_default(),
            today: today(),
            changed: AtomicBool::new(false),
            files_read: AtomicU64::new(0),
        })
    }

    /// The digest of the file or folder at `path`; only files not known by their state are read.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound), a name that is not UTF-8, a link to nothing or in a
    /// loop, a special file, a file that changes while it is read, or an error of the operating system.
    pub fn digest(&mut self, path: &Path) -> Result<Digest> {
        self.digest_listed(path, &Listing::of(path, Rules::Output)?)
    }

    /// The digest of the file or folder at `path`, an input that no stage makes. Files count by [`Rules::Source`].
    /// Entries that no stage can read are part of the digest, with the reason.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound), a file that changes while it is read, or an error of the operating system.
    pub fn digest_source(&mut self, path: &Path) -> Result<Digest> {
        self.digest_listed(path, &Listing::of(path, Rules::Source)?)
    }

    /// Content at `path` by these `rules`, with the state of its files.
    ///
    /// # Errors
    /// As for [`Index::digest`] and [`Index::digest_source`].
    pub fn look(&mut self, path: &Path, rules: Rules) -> Result<Seen> {
        let since_ns = now_ns();
        let listing = Listing::of(path, rules)?;
        // A file with more names may have its time of modification set back.
        let is_firm = |state: &FileState| state.settled(since_ns) && state.links == 1;
        Ok(Seen {
            is_firm: { listing.files.iter() }.all(|file| is_firm(&file.state)),
            digest: self.digest_listed(path, &listing)?,
            stamp: Stamp::of(&listing),
            rules,
        })
    }

    /// Change of the file or folder at `path` since it was seen.
    pub fn since(&mut self, path: &Path, seen: &Seen) -> Since {
        let Ok(listing) = Listing::of(path, seen.rules) else {
            return Since::Changed;
        };
        let is_same = Stamp::of(&listing) == seen.stamp;
        if is_same && seen.is_firm {
            return Since::Untouched;
        }
        let digest = self.digest_listed(path, &listing);
        match digest.is_ok_and(|digest| digest == seen.digest) {
            false => Since::Changed,
            true if is_same => Since::Untouched,
            true => Since::ChangedBack,
        }
    }

    fn digest_listed(&mut self, path: &Path, listing: &Listing) -> Result<Digest> {
        listing.settle(|state| self.get(state).is_none());
        let index = &*self;
        let look_up = |file: &Found| match index.get(&file.state) {
            Some(digest) => Ok((Some(digest), None)),
            None => {
                let hashed = listing.readable(index.read(&file.path(path)))?;
                Ok((hashed.map(|hashed| hashed.digest), hashed.map(Box::new)))
            }
        };
        let (digests, read): (Vec<_>, Vec<_>) = match listing.files.as_slice() {
            // One file isn't worth the work of sharing it out.
            [file] => look_up(file).map(|(digest, read)| (vec![digest], vec![read]))?,
            files => files.par_iter().map(look_up).collect::<Result<_>>()?,
        };
        for hashed in read.iter().flatten() {
            self.observe(hashed);
        }
        match listing.plain_file(&digests) {
            Some(digest) => Ok(digest),
            None => listing.tree(&digests, |_| Ok(())),
        }
    }

    /// Number of files read since the index was opened.
    #[must_use]
    pub fn files_read(&self) -> u64 {
        self.files_read.load(Ordering::Relaxed)
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether the index has no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Writes the index in one step, if it has changed since it was read or written.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&mut self) -> Result<()> {
        if !*self.changed.get_mut() {
            return Ok(());
        }
        let oldest = self.today.saturating_sub(KEPT_DAYS);
        self.entries
            .retain(|_, entry| *entry.used.get_mut() >= oldest);
        write_whole(&self.path, &format::encode(&self.entries))?;
        *self.changed.get_mut() = false;
        Ok(())
    }

    /// The digest of a file in this state, if it is known.
    pub(crate) fn get(&self, state: &FileState) -> Option<Digest> {
        self.find(state, Entry::describes)
    }

    /// The digest of an object in this state, if it is known.
    ///
    /// Each link that is made or removed in the workspace marks the object as changed, so that
    /// this time is ignored; a write to its bytes shows in the time of modification.
    pub(crate) fn get_object(&self, state: &FileState) -> Option<Digest> {
        self.find(state, Entry::describes_content)
    }

    fn find(
        &self,
        state: &FileState,
        describes: impl Fn(&Entry, &FileState) -> bool,
    ) -> Option<Digest> {
        let here = self.entries.get(&(state.inode, state.device));
        let here = here.filter(|entry| describes(entry, state));
        let entry = here.or_else(|| {
            let on_any_device = (state.inode, 0)..=(state.inode, u64::MAX);
            let mut entries = self.entries.range(on_any_device);
            let found = entries.find(|(_, entry)| describes(entry, state));
            found.map(|(_, entry)| entry)
        })?;
        if entry
            .used
            .load(Ordering::Relaxed)
            .saturating_add(NOTED_DAYS)
            <= self.today
        {
            entry.used.store(self.today, Ordering::Relaxed);
            self.changed.store(true, Ordering::Relaxed);
        }
        Some(entry.digest)
    }

    /// Reads the file at `path`; the result is yet to be [observed](Self::observe).
    pub(crate) fn read(&self, path: &Path) -> Result<Hashed> {
        self.files_read.fetch_add(1, Ordering::Relaxed);
        hash_file(path)
    }

    /// Counts a file that was read by other means.
    pub(crate) fn count_read(&self) {
        self.files_read.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds an entry for a file that was read, unless a later write might go unnoticed.
    pub(crate) fn observe(&mut self, hashed: &Hashed) {
        if hashed.state.settled(hashed.since_ns) {
            self.insert(&hashed.state, hashed.digest);
        }
    }

    /// Notes a file whose links or mode the store itself has changed since it was read as
    /// `hashed`, and which is now in the state `now`.
    pub(crate) fn observe_placed(&mut self, hashed: &Hashed, now: &FileState) {
        // The store itself caused the time of the change, which is ignored; a write since would show in the time of
        // modification.
        if now.same_content(&hashed.state) && now.modification_settled(hashed.since_ns) {
            self.insert(now, hashed.digest);
        }
    }

    fn insert(&mut self, state: &FileState, digest: Digest) {
        let entry = Entry {
            size: state.size,
            modified_ns: state.modified_ns,
            changed_ns: state.changed_ns,
            digest,
            used: AtomicU32::new(self.today),
        };
        self.entries.insert((state.inode, state.device), entry);
        *self.changed.get_mut() = true;
    }
}

/// Returns whether these bytes are an index, or would be with their checksum behind them.
#[cfg(any(test, fuzzing))]
pub(crate) fn is_index(bytes: &[u8]) -> bool {
    let whole = [bytes, blake3::hash(bytes).as_bytes()].concat();
    [bytes, &whole]
        .iter()
        .any(|bytes| format::decode(bytes).is_some())
}

fn today() -> u32 {
    const DAY_NS: i64 = 24 * 60 * 60 * 1_000_000_000;
    u32::try_from(now_ns() / DAY_NS).unwrap_or_default()
}

#[cfg(test)]
mod tests;
