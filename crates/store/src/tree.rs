//! The text that describes a folder.

use std::collections::BTreeSet;
use std::io;

use walk::Reason;

use crate::{Digest, Error, Result};

/// A folder's digest is hashed in a mode of its own, so that no file's content can pass for a
/// folder.
const CONTEXT: &str = "atelier store tree 1";

const HEADER: &str = "atelier tree 1";

/// A folder, or a file that is more than its bytes: its files, sorted by path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) entries: Vec<Entry>,
}

/// A file in a tree, or a folder without files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Relative to the tree's folder, `/` between components. Empty where the tree is one file.
    pub(crate) path: String,
    pub(crate) content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    File(Digest),
    Executable(Digest),
    EmptyFolder,
    /// An entry of a source that no stage can read; in no tree that is stored.
    Unusable(Reason),
}

impl Content {
    /// The object that holds the bytes.
    pub(crate) fn object(&self) -> Option<Digest> {
        match *self {
            Self::File(digest) | Self::Executable(digest) => Some(digest),
            Self::EmptyFolder | Self::Unusable(_) => None,
        }
    }
}

impl Tree {
    /// The tree of one file.
    pub(crate) fn of_file(content: Content) -> Self {
        let path = String::new();
        Self {
            entries: vec![Entry { path, content }],
        }
    }

    /// Its content, if it is that of one file.
    pub(crate) fn as_file(&self) -> Option<Content> {
        match self.entries.as_slice() {
            [entry] if entry.path.is_empty() => Some(entry.content),
            _ => None,
        }
    }

    /// The digest of the tree with this text.
    pub(crate) fn digest(text: &[u8]) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update_rayon(text);
        hasher.finalize().into()
    }

    /// Reads the text of the tree `digest`, refusing paths that leave the folder.
    pub(crate) fn parse(digest: Digest, text: &[u8]) -> Result<Self> {
        let malformed = |line| Error::MalformedTree { digest, line };
        let text = std::str::from_utf8(text).map_err(|_| malformed(1))?;
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(malformed(1));
        }
        let mut entries: Vec<Entry> = Vec::new();
        for (line, number) in lines.zip(2..) {
            let entry = Entry::parse(line).ok_or_else(|| malformed(number))?;
            // One file alone may have no name; a file after it is an error below.
            let nameless = entry.path.is_empty() && number == 2;
            if !nameless && !is_safe(&entry.path) {
                let path = entry.path;
                return Err(Error::UnsafePath { digest, path });
            }
            let last = entries.last();
            if last.is_some_and(|last| last.path.is_empty() || last.path >= entry.path) {
                return Err(malformed(number));
            }
            entries.push(entry);
        }
        match file_as_folder(&entries) {
            Some(at) => Err(malformed(at + 2)),
            None => Ok(Self { entries }),
        }
    }
}

/// Hands the text of the tree with these lines, sorted by path, to `sink` piece by piece, and
/// returns its digest.
pub(crate) fn write(
    lines: &[(&str, Content)],
    mut sink: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Digest> {
    const LINES_AT_ONCE: usize = 1000;
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    let mut text = format!("{HEADER}\n");
    let mut flush = |text: &mut String| {
        hasher.update(text.as_bytes());
        sink(text.as_bytes())?;
        text.clear();
        io::Result::Ok(())
    };
    for some in lines.chunks(LINES_AT_ONCE) {
        for (path, content) in some {
            write_line(path, *content, &mut text);
        }
        flush(&mut text)?;
    }
    flush(&mut text)?;
    Ok(hasher.finalize().into())
}

fn write_line(path: &str, content: Content, text: &mut String) {
    let (kind, digest) = match content {
        Content::File(digest) => ("file ", Some(digest)),
        Content::Executable(digest) => ("exec ", Some(digest)),
        Content::EmptyFolder => ("none ", None),
        Content::Unusable(_) => ("bad ", None),
    };
    text.push_str(kind);
    if let Content::Unusable(reason) = content {
        text.push_str(reason.name());
        text.push(' ');
    }
    if let Some(digest) = digest {
        let hex = blake3::Hash::from(*digest.as_bytes()).to_hex();
        text.push_str(hex.as_str());
        text.push(' ');
    }
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if path.bytes().all(is_plain) {
        text.push('"');
        text.push_str(path);
        text.push('"');
    } else {
        text.push_str(&serde_json::to_string(path).expect("a string has a JSON form"));
    }
    text.push('\n');
}

impl Entry {
    fn parse(line: &str) -> Option<Self> {
        let (kind, rest) = line.split_once(' ')?;
        let (digest, path) = match kind {
            "none" => (None, rest),
            _ => {
                let (digest, path) = rest.split_once(' ')?;
                (Some(digest.parse().ok()?), path)
            }
        };
        let content = match (kind, digest) {
            ("file", Some(digest)) => Content::File(digest),
            ("exec", Some(digest)) => Content::Executable(digest),
            ("none", None) => Content::EmptyFolder,
            _ => return None,
        };
        let path = serde_json::from_str(path).ok()?;
        Some(Self { path, content })
    }
}

/// The first entry that another lies below: a file can't be a folder as well.
fn file_as_folder(entries: &[Entry]) -> Option<usize> {
    let folders: BTreeSet<&str> = { entries.iter() }
        .flat_map(|entry| folders(&entry.path))
        .collect();
    { entries.iter() }.position(|entry| folders.contains(entry.path.as_str()))
}

/// The folders that `path` lies in.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

/// Returns whether every component is a plain name, so that the path stays below its folder.
fn is_safe(path: &str) -> bool {
    let plain = |name: &str| {
        let foreign = cfg!(windows) && name.contains(['\\', ':']);
        !name.is_empty() && name != "." && name != ".." && !name.contains('\0') && !foreign
    };
    path.split('/').all(plain)
}

#[cfg(test)]
mod tests;
