//! Entries that no stage can read.

use std::ffi::OsStr;
use std::fmt;
use std::fmt::Write as _;

/// The kind of fault of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A symbolic link to nothing.
    DanglingLink,
    /// A symbolic link that leads back to itself or to a folder above it.
    LinkLoop,
    /// A name that isn't UTF-8, so that no table can hold it.
    NotUtf8,
    /// A pipe, a socket or a device.
    SpecialFile,
    /// A file or folder that the operating system doesn't let this user read.
    Unreadable,
    /// A line of an ignore file that is no pattern.
    IgnoreFile,
}

impl Reason {
    /// One word for tables and keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DanglingLink => "dangling-link",
            Self::LinkLoop => "link-loop",
            Self::NotUtf8 => "name-not-utf8",
            Self::SpecialFile => "special-file",
            Self::Unreadable => "unreadable",
            Self::IgnoreFile => "ignore-file",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DanglingLink => "a link to nothing",
            Self::LinkLoop => "a link that leads back to itself or to a folder above it",
            Self::NotUtf8 => "the name is not UTF-8",
            Self::SpecialFile => "neither a file nor a folder",
            Self::Unreadable => "it cannot be read",
            Self::IgnoreFile => "it has a line that is no pattern",
        })
    }
}

/// An entry that no stage can read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unusable {
    /// Relative to the root, `/` between components; bytes that aren't UTF-8 as `\xE9`.
    pub relative: String,
    /// The kind of fault.
    pub reason: Reason,
    /// A sentence without absolute paths, the same on every machine.
    pub detail: String,
}

/// A name with the bytes that aren't UTF-8 as `\xE9`.
pub(crate) fn escaped(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    text
}
