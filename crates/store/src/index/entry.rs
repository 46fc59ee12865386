//! An entry of the index.

use std::sync::atomic::AtomicU32;

use crate::Digest;
use crate::file_state::FileState;

/// Inode first: the number of a device may differ from boot to boot, and then the entry is
/// found by the rest of its state.
pub(super) type Key = (u64, u64);

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) size: u64,
    pub(super) modified_ns: i64,
    pub(super) changed_ns: i64,
    pub(super) digest: Digest,
    /// Day of the last use, in days since 1970.
    pub(super) used: AtomicU32,
}

impl Entry {
    pub(super) fn describes(&self, state: &FileState) -> bool {
        self.describes_content(state) && self.changed_ns == state.changed_ns
    }

    pub(super) fn describes_content(&self, state: &FileState) -> bool {
        self.size == state.size && self.modified_ns == state.modified_ns
    }
}
