//! Sources that the cache keeps: data that no stage makes, known by its content.
//!
//! `sources.lock`, to be committed, has a line an entry, so that versions merge:
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
use crate::ledger::fetch::check_sha256;
use crate::place;
use crate::workspace::Workspace;

/// The file of sources, in the workspace root.
pub const FILE: &str = "sources.lock";

const HEADER: &str = "# Written by `cargo xtask add`, `import` and `weights get`, to be committed: the content of sources.\n";

/// The sources that the cache keeps, by their path from the workspace root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tracked {
    sources: BTreeMap<String, Kept>,
}

/// A source that the cache keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) content: Digest,
    /// Where it came from.
    pub(crate) from: Option<String>,
    /// The SHA-256 of a file that was fetched, to be compared with what its publisher states.
    pub(crate) sha256: Option<String>,
}

/// How a source stands beside what was noted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceState {
    /// As it was noted.
    Unchanged,
    /// Something else.
    Changed,
    /// Nothing is there.
    Missing,
}

impl Tracked {
    /// Reads the file of the workspace; a missing one is an empty one.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let path = root.join(FILE);
        if !path.exists() {
            return Ok(Tracked::default());
        }
        Tracked::parse(&Source::read(&path, FILE)?)
    }

    pub(crate) fn parse(source: &Source) -> Result<Self> {
        let document = source.parse()?;
        let mut tracked = Tracked::default();
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
            let kept = Kept {
                content: content.map_err(|error: InvalidDigest| wrong(&format!("has: {error}")))?,
                from: text(table, "from").map(str::to_owned),
                sha256: text(table, "sha256").map(str::to_owned),
            };
            tracked.sources.insert(path.to_owned(), kept);
        }
        Ok(tracked)
    }

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

    fn save(&self, workspace: &Workspace) -> Result<()> {
        let aside = workspace.own(FILE);
        fs_err::write(&aside, self.text())?;
        Ok(store::move_path(
            &aside,
            &workspace.workflow.root.join(FILE),
        )?)
    }

    /// The source that is at `path` or holds it.
    pub(crate) fn around<'s>(&'s self, path: &'s Path) -> Option<&'s str> {
        let mut folders = path.ancestors().filter_map(Path::to_str);
        folders.find(|folder| self.sources.contains_key(*folder))
    }

    /// The source at `path`.
    pub(crate) fn get(&self, path: &str) -> Option<&Kept> {
        self.sources.get(path)
    }

    /// Where a source came from.
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

impl Workspace {
    /// Takes a source into the cache, and notes its content in `sources.lock`.
    ///
    /// # Errors
    /// It isn't there, lies outside of the workspace, or a stage makes it.
    pub fn add_source(&mut self, path: &Path) -> Result<Digest> {
        let path = self.own_source(path)?;
        self.keep_source(&path, None, None)
    }

    /// Fetches `from`, a URL or a path, to `path`, and keeps it as a source. `sha256` is the hash that it must have.
    ///
    /// # Errors
    /// Something else stands at `path`, the fetching fails, or the hash is another.
    pub fn import_source(
        &mut self,
        from: &str,
        path: &Path,
        sha256: Option<&str>,
    ) -> Result<Digest> {
        let path = self.own_source(path)?;
        let place = self.workflow.root.join(&path);
        if place.symlink_metadata().is_ok() {
            let message =
                format!("`{path}` is there already: remove it, or import to another place");
            return Err(Error::Invalid(message));
        }
        self.fetch(from, &place, &mut |_| {}, |_, fetched| match sha256 {
            Some(expected) => check_sha256(from, fetched, expected),
            None => Ok(()),
        })?;
        let sha256 = sha256.map(str::to_ascii_lowercase);
        self.keep_source(&path, Some(from.to_owned()), sha256)
    }

    pub(crate) fn keep_source(
        &mut self,
        path: &str,
        from: Option<String>,
        sha256: Option<String>,
    ) -> Result<Digest> {
        let mut tracked = Tracked::load(&self.workflow.root)?;
        let place = self.workflow.root.join(path);
        let content = self.take(&place, true)?;
        let before = tracked.sources.remove(path);
        // What was noted of the same content stays.
        let before = before.filter(|before| from.is_none() || before.content == content);
        let (known_from, known_sha256) = match before {
            Some(before) => (
                before.from,
                before.sha256.filter(|_| before.content == content),
            ),
            None => (None, None),
        };
        let kept = Kept {
            content,
            from: from.or(known_from),
            sha256: sha256.or(known_sha256),
        };
        tracked.sources.insert(path.to_owned(), kept);
        tracked.save(self)?;
        self.save_caches()?;
        Ok(content)
    }

    /// The path from the workspace root, which no stage makes.
    pub(crate) fn own_source(&self, path: &Path) -> Result<String> {
        let inside = path.strip_prefix(&self.workflow.root).unwrap_or(path);
        let text = inside.to_string_lossy().into_owned();
        let refused = |why: &str| Error::Invalid(format!("`{}` {why}", path.display()));
        let inside = output_path(&text)
            .map_err(|why| refused(&why.replace("outputs are", "sources to keep are")))?;
        if self.workflow.graph.is_made(&inside) {
            return Err(refused("is what a stage makes, and the cache has it"));
        }
        Ok(inside.to_string_lossy().into_owned())
    }

    /// How each kept source stands, in the order of paths.
    ///
    /// # Errors
    /// `sources.lock` is malformed, or a file cannot be read.
    pub fn source_states(&mut self) -> Result<Vec<(String, SourceState)>> {
        let tracked = Tracked::load(&self.workflow.root)?;
        let states = tracked.sources.into_iter().map(|(path, kept)| {
            let state = match self.index.digest(&self.workflow.root.join(&path)) {
                Ok(digest) if digest == kept.content => SourceState::Unchanged,
                Ok(_) => SourceState::Changed,
                Err(store::Error::NotFound { .. }) => SourceState::Missing,
                Err(error) => return Err(error.into()),
            };
            Ok((path, state))
        });
        states.collect()
    }

    /// Puts a missing source in its place, from the cache or from where it came from.
    ///
    /// # Errors
    /// Neither has it, or it is another one now.
    pub fn restore_source(&mut self, path: &str) -> Result<()> {
        let tracked = Tracked::load(&self.workflow.root)?;
        let Some(kept) = tracked.sources.get(path) else {
            let hint = nearest_name::hint(path, tracked.sources.keys().map(String::as_str));
            return Err(Error::Invalid(format!("`{FILE}` has no `{path}`{hint}")));
        };
        if self.restore_source_from_cache(path)? {
            return Ok(());
        }
        let Some(from) = &kept.from else {
            let digest = kept.content;
            return Err(store::Error::Missing { digest }.into());
        };
        let place = self.workflow.root.join(path);
        self.fetch(from, &place, &mut |_| {}, |index, fetched| {
            if index.digest(fetched)? == kept.content {
                return Ok(());
            }
            let message = format!("`{from}` is not what it was when `{path}` was imported");
            Err(Error::Invalid(message))
        })
    }

    /// Puts a missing source in its place, if the cache has it whole.
    pub(crate) fn restore_source_from_cache(&mut self, path: &str) -> Result<bool> {
        let tracked = Tracked::load(&self.workflow.root)?;
        let Some(kept) = tracked.get(path) else {
            return Ok(false);
        };
        if !place::is_inside(self, Path::new(path))? {
            let message = format!("`{path}` {}", place::LEADS_OUT);
            return Err(Error::Invalid(message));
        }
        let Workspace {
            workflow,
            store,
            index,
            ..
        } = &mut *self;
        let Some(store) = store else {
            return Ok(false);
        };
        match store.restore(index, &kept.content, &workflow.root.join(path)) {
            Err(store::Error::Missing { .. } | store::Error::Damaged { .. }) => Ok(false),
            restored => Ok(restored.map(|()| true)?),
        }
    }
}
