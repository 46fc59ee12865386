//! `sources.lock`: the contents of sources that the cache keeps. To be committed, it has a line an entry, so that
//! versions merge:
//!
//! ```toml
//! ["data/paintings"]
//! content = "…"
//! from = "https://…"
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use store::{Digest, InvalidDigest};
use toml_edit::{Key, TableLike, Value};
use workflow::path::output_path;
use workflow::source::{self, Source};

use crate::error::{Error, Result};
use crate::own;

/// The file of sources, in the workspace root.
pub const FILE: &str = "sources.lock";

const HEADER: &str = "# Written by atelier, to be committed: the content of sources.\n";

/// The sources that the cache keeps, by their path from the workspace root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceLock {
    /// By path from the workspace root.
    pub(crate) sources: BTreeMap<String, LockedSource>,
}

/// A source that the cache keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockedSource {
    /// The content's hash.
    pub(crate) content: Digest,
    /// Its origin, a path or URL.
    pub(crate) from: Option<String>,
    /// The SHA-256 of a file that was fetched, to be compared with that of its publisher.
    pub(crate) sha256: Option<String>,
}

impl SourceLock {
    /// Reads the file of the workspace; a missing one is an empty one.
    ///
    /// # Errors
    /// The file cannot be read, or isn't as it was written.
    pub fn load(root: &Path) -> Result<Self> {
        let path = root.join(FILE);
        if !path.exists() {
            return Ok(SourceLock::default());
        }
        SourceLock::parse(&Source::read(&path, FILE)?)
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// It isn't as [`SourceLock::text`] writes it, or a path isn't in the workspace.
    pub(crate) fn parse(source: &Source) -> Result<Self> {
        let document = source.parse()?;
        let mut lock = SourceLock::default();
        for (path, item) in document.as_table() {
            let wrong = |what: &str| {
                let span = item.span().unwrap_or(0..0);
                Error::from(source.error(span, format!("`{path}` {what}")))
            };
            // A path out of a file is never trusted.
            if output_path(path).is_ok_and(|plain| plain != Path::new(path)) {
                return Err(wrong("is no plain path"));
            }
            output_path(path).map_err(wrong)?;
            let Some(table) = item.as_table_like() else {
                let kind = source::kind(item);
                return Err(wrong(&format!("is {kind}; expected a table")));
            };
            let content = text(table, "content").ok_or_else(|| wrong("has no `content`"))?;
            let content = content.parse();
            let kept = LockedSource {
                content: content.map_err(|error: InvalidDigest| wrong(&format!("has: {error}")))?,
                from: text(table, "from").map(str::to_owned),
                sha256: text(table, "sha256").map(str::to_owned),
            };
            lock.sources.insert(path.to_owned(), kept);
        }
        Ok(lock)
    }

    /// The file's text.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (path, kept) in &self.sources {
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "\n[{}]\ncontent = \"{}\"\n",
                Key::new(path),
                kept.content
            );
            if let Some(from) = &kept.from {
                let _ = writeln!(text, "from = {}", Value::from(from.as_str()));
            }
            if let Some(sha256) = &kept.sha256 {
                let _ = writeln!(text, "sha256 = {}", Value::from(sha256.as_str()));
            }
        }
        text
    }

    /// Writes the file of the workspace.
    pub(crate) fn save(&self, root: &Path) -> Result<()> {
        let text = self.text();
        Ok(store::write_whole_in(
            &own(root, ""),
            &root.join(FILE),
            text.as_bytes(),
        )?)
    }

    /// The source that is at `path` or holds it.
    pub fn around<'s>(&'s self, path: &'s Path) -> Option<&'s str> {
        let mut folders = path.ancestors().filter_map(Path::to_str);
        folders.find(|folder| self.sources.contains_key(*folder))
    }

    /// The source at `path`.
    pub(crate) fn get(&self, path: &str) -> Option<&LockedSource> {
        self.sources.get(path)
    }

    /// Origin of a source.
    pub(crate) fn from(&self, path: &str) -> Option<&str> {
        self.sources.get(path)?.from.as_deref()
    }

    /// The contents of all sources.
    pub(crate) fn contents(&self) -> impl Iterator<Item = Digest> {
        self.sources.values().map(|kept| kept.content)
    }
}

fn text<'t>(table: &'t dyn TableLike, key: &str) -> Option<&'t str> {
    table.get(key)?.as_str()
}
