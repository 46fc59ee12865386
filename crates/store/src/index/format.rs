//! The index as bytes.
//!
//! A magic text, one record of [`RECORD`] bytes for each file (little-endian: inode, device,
//! size, modified, changed, digest, used), and the BLAKE3 of all that stands before it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use super::entry::{Entry, Key};
use crate::Digest;

const MAGIC: &[u8; 16] = b"atelier index 1\n";
const RECORD: usize = 5 * 8 + 32 + 4;
const CHECKSUM: usize = 32;

pub(super) fn encode(entries: &BTreeMap<Key, Entry>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MAGIC.len() + entries.len() * RECORD + CHECKSUM);
    bytes.extend_from_slice(MAGIC);
    for ((inode, device), entry) in entries {
        bytes.extend_from_slice(&inode.to_le_bytes());
        bytes.extend_from_slice(&device.to_le_bytes());
        bytes.extend_from_slice(&entry.size.to_le_bytes());
        bytes.extend_from_slice(&entry.modified_ns.to_le_bytes());
        bytes.extend_from_slice(&entry.changed_ns.to_le_bytes());
        bytes.extend_from_slice(entry.digest.as_bytes());
        bytes.extend_from_slice(&entry.used.load(Ordering::Relaxed).to_le_bytes());
    }
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

/// The entries; none if the bytes are not, or no longer, those of [`encode`].
pub(super) fn decode(bytes: &[u8]) -> Option<BTreeMap<Key, Entry>> {
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM>()?;
    let records = content.strip_prefix(MAGIC)?;
    if blake3::hash(content).as_bytes() != checksum || records.len() % RECORD != 0 {
        return None;
    }
    records.chunks_exact(RECORD).map(record).collect()
}

fn record(bytes: &[u8]) -> Option<(Key, Entry)> {
    let mut rest = bytes;
    let inode = u64::from_le_bytes(take(&mut rest)?);
    let device = u64::from_le_bytes(take(&mut rest)?);
    let entry = Entry {
        size: u64::from_le_bytes(take(&mut rest)?),
        modified_ns: i64::from_le_bytes(take(&mut rest)?),
        changed_ns: i64::from_le_bytes(take(&mut rest)?),
        digest: Digest::from_bytes(take(&mut rest)?),
        used: AtomicU32::new(u32::from_le_bytes(take(&mut rest)?)),
    };
    Some(((inode, device), entry))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}
