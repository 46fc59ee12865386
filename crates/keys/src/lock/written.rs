//! Reader of a lock exactly as [`Lock::text`](super::Lock::text) writes it. A general parser of TOML takes ten times as
//! long, which was a fifth of a repro with nothing to do.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use store::Digest;

use super::entry::{HEADER, Locked};

/// Reads a lock. None if a line is not as it is written, for example after an edit or a merge: the parser of TOML then
/// reads the text, or finds its error.
pub(super) fn read(text: &str) -> Option<BTreeMap<String, Arc<Locked>>> {
    let mut stages = BTreeMap::new();
    let mut lines = text.strip_prefix(HEADER)?.split_terminator('\n').peekable();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let name = name(line.strip_prefix('[')?.strip_suffix(']')?)?;
        let mut locked = Locked {
            key: digest(lines.next()?.strip_prefix("key = ")?)?,
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
        };
        while let Some(line) = lines.next_if(|line| !line.is_empty()) {
            add_entry(&mut locked, line)?;
        }
        add(&mut stages, name, Arc::new(locked))?;
    }
    Some(stages)
}

/// Adds a line of an input or output.
fn add_entry(locked: &mut Locked, line: &str) -> Option<()> {
    let (entry, value) = line.split_once(' ')?;
    let value = value.strip_prefix("= ")?;
    match entry.split_once('.')? {
        ("in", input) => {
            let list = value.strip_prefix('[')?.strip_suffix(']')?;
            let digests = list.split(", ").filter(|_| !list.is_empty()).map(digest);
            add(
                &mut locked.inputs,
                name(input)?,
                digests.collect::<Option<_>>()?,
            )
        }
        ("out", output) => add(&mut locked.outputs, name(output)?, digest(value)?),
        _ => None,
    }
}

/// Adds an entry, unless there is one with this name.
fn add<T>(entries: &mut BTreeMap<String, T>, name: &str, value: T) -> Option<()> {
    match entries.entry(name.to_owned()) {
        Entry::Vacant(entry) => {
            entry.insert(value);
            Some(())
        }
        Entry::Occupied(_) => None,
    }
}

/// A key of TOML: bare, or in double quotes without escapes.
fn name(key: &str) -> Option<&str> {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.bytes().all(is_bare) {
        return Some(key);
    }
    let name = key.strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = |c: char| !matches!(c, '"' | '\\') && !c.is_control();
    name.chars().all(is_plain).then_some(name)
}

fn digest(value: &str) -> Option<Digest> {
    value.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}
