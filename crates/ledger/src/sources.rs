//! Sources that the cache keeps: data that no stage makes, known by its content.

use std::io::ErrorKind;
use std::path::Path;

use keys::on_disk::is_inside;
use store::{Digest, Index, Store};
use workflow::Workflow;
use workflow::path::output_path;

use crate::error::{Error, Result};
use crate::sha256;
use crate::source_lock::{LockedSource, SourceLock};
use crate::transfer::transfer;

/// State of a source compared with its entry in `sources.lock`.
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

/// The sources of a workspace.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The declaration.
    pub workflow: &'a Workflow,
    /// None where nothing was ever stored and nothing is to be written.
    pub store: Option<&'a Store>,
    /// Contents of files by their states.
    pub index: &'a mut Index,
}

impl Sources<'_> {
    /// Takes a source into the cache, and notes its content in `sources.lock`.
    ///
    /// # Errors
    /// It isn't there, lies outside of the workspace, or a stage makes it.
    pub fn add(&mut self, path: &Path) -> Result<Digest> {
        let path = self.own_path(path)?;
        self.keep(&path, None, None)
    }

    /// Fetches `from`, a URL or a path, to `path`, and keeps it as a source. `sha256` is the hash that it must have.
    ///
    /// # Errors
    /// Something else stands at `path`, the fetching fails, or the hash is another.
    pub fn import(&mut self, from: &str, path: &Path, sha256: Option<&str>) -> Result<Digest> {
        let path = self.own_path(path)?;
        let place = self.workflow.root.join(&path);
        if place.symlink_metadata().is_ok() {
            return Err(Error::PlaceTaken(path));
        }
        let root = &self.workflow.root;
        transfer(root, from, &place, &mut |_| {}, |arrived| match sha256 {
            Some(expected) => sha256::check(from, &arrived.sha256()?, expected),
            None => Ok(()),
        })?;
        let sha256 = sha256.map(str::to_ascii_lowercase);
        self.keep(&path, Some(from.to_owned()), sha256)
    }

    /// Stores the source at `path` in the cache, and notes its content with its origin, if that is known.
    pub(crate) fn keep(
        &mut self,
        path: &str,
        from: Option<String>,
        sha256: Option<String>,
    ) -> Result<Digest> {
        let mut tracked = SourceLock::load(&self.workflow.root)?;
        let place = self.workflow.root.join(path);
        let content = match self.store {
            Some(store) => store.put(self.index, &place)?,
            None => self.index.digest(&place)?,
        };
        let before = tracked.sources.remove(path);
        // An entry of the same content stays.
        let before = before.filter(|before| from.is_none() || before.content == content);
        let (known_from, known_sha256) = match before {
            Some(before) => (
                before.from,
                before.sha256.filter(|_| before.content == content),
            ),
            None => (None, None),
        };
        let kept = LockedSource {
            content,
            from: from.or(known_from),
            sha256: sha256.or(known_sha256),
        };
        tracked.sources.insert(path.to_owned(), kept);
        tracked.save(&self.workflow.root)?;
        match self.index.save() {
            // Nothing is lost but time.
            Err(store::Error::Io(error)) if error.kind() == ErrorKind::StorageFull => {}
            saved => saved?,
        }
        Ok(content)
    }

    /// The path from the workspace root, which no stage makes.
    pub(crate) fn own_path(&self, path: &Path) -> Result<String> {
        let inside = path.strip_prefix(&self.workflow.root).unwrap_or(path);
        let text = inside.to_string_lossy().into_owned();
        let inside = output_path(&text).map_err(|why| Error::SourcePlace {
            path: path.to_owned(),
            why: why.replace("outputs are", "sources to keep are"),
        })?;
        if self.workflow.graph.is_made(&inside) {
            return Err(Error::Output(path.to_owned()));
        }
        Ok(inside.to_string_lossy().into_owned())
    }

    /// State of each kept source, in the order of paths.
    ///
    /// # Errors
    /// `sources.lock` is malformed, or a file cannot be read.
    pub fn states(&mut self) -> Result<Vec<(String, SourceState)>> {
        let tracked = SourceLock::load(&self.workflow.root)?;
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
    pub fn restore(&mut self, path: &str) -> Result<()> {
        let tracked = SourceLock::load(&self.workflow.root)?;
        let Some(kept) = tracked.sources.get(path) else {
            let hint = nearest_name::hint(path, tracked.sources.keys().map(String::as_str));
            let path = path.to_owned();
            return Err(Error::UnknownSource { path, hint });
        };
        if self.restore_from_cache(path)? {
            return Ok(());
        }
        let Some(from) = &kept.from else {
            let digest = kept.content;
            return Err(store::Error::Missing { digest }.into());
        };
        let place = self.workflow.root.join(path);
        let (root, index) = (&self.workflow.root, &mut *self.index);
        transfer(root, from, &place, &mut |_| {}, |arrived| {
            if index.digest(arrived.path)? == kept.content {
                return Ok(());
            }
            Err(Error::SourceChanged {
                from: from.clone(),
                path: path.to_owned(),
            })
        })
    }

    /// Puts a missing source in its place, if the cache has it whole.
    pub(crate) fn restore_from_cache(&mut self, path: &str) -> Result<bool> {
        let tracked = SourceLock::load(&self.workflow.root)?;
        let Some(kept) = tracked.get(path) else {
            return Ok(false);
        };
        if !is_inside(&self.workflow.root, Path::new(path))? {
            return Err(Error::LeadsOut(path.to_owned()));
        }
        let Some(store) = self.store else {
            return Ok(false);
        };
        match store.restore(self.index, &kept.content, &self.workflow.root.join(path)) {
            Err(store::Error::Missing { .. } | store::Error::Damaged { .. }) => Ok(false),
            restored => Ok(restored.map(|()| true)?),
        }
    }
}
