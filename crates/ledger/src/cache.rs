//! Contents of the cache, their users, and their removal.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use keys::lock::{self, Lock};
use keys::manifest::Manifest;
use serde::Serialize;
use serde_json::Value;
use store::{Amount, Digest, Keep, Size, Store, remove_path};
use workflow::Workflow;
use workflow::source::Source;

use crate::error::{Error, Result};
use crate::source_lock::{self, SourceLock};
use crate::{check_stamp, own, revision, states};

mod limits;

pub use limits::Large;

/// Scope of contents that a clearing of the cache keeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope {
    /// Contents that the lock, experiments, searches and sources use.
    pub workspace: bool,
    /// Contents that any committed version of the lock and of the sources uses, too.
    pub commits: bool,
    /// Contents younger than this, too.
    pub younger_than: Option<Duration>,
}

/// A result in the cache.
#[derive(Debug, Serialize)]
pub struct Cached {
    /// The hash of its manifest.
    pub key: Digest,
    /// The instances that have it in the lock.
    pub stages: Vec<String>,
    /// Command: `crate/binary`, or the shell's text.
    pub command: String,
    /// The names of its outputs.
    pub outputs: Vec<String>,
    /// Bytes of its outputs.
    pub bytes: u64,
    /// Seconds since it was made.
    pub age_s: u64,
}

/// The cache of a workspace.
#[derive(Debug, Clone, Copy)]
pub struct Cache<'a> {
    /// The declaration.
    pub workflow: &'a Workflow,
    /// The results in use.
    pub lock: &'a Lock,
    /// None where nothing was ever stored and nothing is to be written.
    pub store: Option<&'a Store>,
}

/// Contents that a sweep removed, or would remove.
#[derive(Debug, Clone, Copy)]
pub struct Swept {
    /// Files and bytes that are gone.
    pub removed: Amount,
    /// The time from which on everything was kept.
    since: Option<SystemTime>,
}

impl Cache<'_> {
    /// The store, which a writing command always has.
    fn opened(&self) -> Result<&Store> {
        self.store.ok_or(Error::NoCache)
    }

    /// The results in the cache, the youngest first.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn results(&self) -> Result<Vec<Cached>> {
        let Some(store) = self.store else {
            return Ok(Vec::new());
        };
        let now = SystemTime::now();
        let records = store
            .records()?
            .into_iter()
            .filter_map(|(key, record, modified)| {
                let age = modified.and_then(|modified| now.duration_since(modified).ok());
                let manifest = Manifest::read(&record.manifest);
                // Earlier versions kept stamps of checks as records without a command.
                let command = plain(manifest.command()?);
                Some(Cached {
                    stages: self.stages_with(&key),
                    command,
                    bytes: record
                        .outputs
                        .values()
                        .map(|digest| store.bytes_of(digest))
                        .sum(),
                    outputs: record.outputs.into_keys().collect(),
                    age_s: age.unwrap_or_default().as_secs(),
                    key,
                })
            });
        let mut cached: Vec<Cached> = records.collect();
        cached.sort_by_key(|cached| (cached.age_s, cached.key));
        Ok(cached)
    }

    fn stages_with(&self, key: &Digest) -> Vec<String> {
        let stages = self.lock.iter();
        let stages = stages.filter(|(_, locked)| locked.key == *key);
        stages.map(|(name, _)| name.to_owned()).collect()
    }

    /// Size of the cache.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn size(&self) -> Result<Size> {
        match self.store {
            Some(store) => Ok(store.size()?),
            None => Ok(Size::default()),
        }
    }

    /// The size of the cache, if it is beyond its limit or out of proportion to the contents of the current state.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn large(&self) -> Result<Option<Large>> {
        let bytes = self.bytes()?;
        let limit = self.workflow.declaration.cache.max_size;
        Ok(limits::large(bytes, limit, || self.used_bytes()))
    }

    fn bytes(&self) -> Result<u64> {
        let root = &self.workflow.root;
        self.store.map_or(Ok(0), |store| limits::bytes(store, root))
    }

    fn used_bytes(&self) -> u64 {
        let locked = self.lock.iter();
        let outputs = locked.flat_map(|(_, locked)| locked.outputs.values());
        let bytes = outputs.map(|digest| self.store.map_or(0, |store| store.bytes_of(digest)));
        bytes.sum()
    }

    /// Reads the whole cache, removes damaged contents, and returns their digests.
    ///
    /// # Errors
    /// A file cannot be read or removed.
    pub fn verify(&self) -> Result<Vec<Digest>> {
        Ok(self.opened()?.verify_whole()?)
    }

    /// Removes all contents outside of `scope`; if the scope is empty, those that the workspace doesn't use and the
    /// limits in `pipeline.toml` don't allow. Returns the removed amount; where `is_trial`, nothing is removed.
    ///
    /// # Errors
    /// A version of the lock cannot be read, or a file cannot be removed.
    pub fn sweep(&self, scope: Scope, is_trial: bool) -> Result<Swept> {
        let is_default = !(scope.workspace || scope.commits || scope.younger_than.is_some());
        let keep = if is_default {
            self.within_limits()?
        } else {
            self.kept(scope)?
        };
        Ok(Swept {
            removed: self.opened()?.sweep(&keep, is_trial)?,
            since: keep.since,
        })
    }

    /// Removes unused contents beyond the limits of `pipeline.toml`; none where it has no limit.
    ///
    /// # Errors
    /// A folder cannot be listed, or a file cannot be removed.
    pub fn trim(&self) -> Result<Option<Amount>> {
        let limits = self.workflow.declaration.cache;
        let is_beyond = |bytes: u64| limits.max_size.is_some_and(|limit| bytes > limit);
        if limits.max_age.is_none() && !is_beyond(self.bytes()?) {
            return Ok(None);
        }
        let keep = self.within_limits()?;
        Ok(Some(self.opened()?.sweep(&keep, false)?))
    }

    /// Contents that are kept by default: those that the workspace uses, and others within the limits of
    /// `pipeline.toml`.
    fn within_limits(&self) -> Result<Keep> {
        let limits = self.workflow.declaration.cache;
        let keep = self.kept(Scope {
            workspace: true,
            commits: false,
            // With a limit of size alone, contents of any age may stay.
            younger_than: limits.max_age,
        })?;
        limits::fitting(self.opened()?, limits, keep)
    }

    /// Removes folders of runs that didn't come to their end, are none of the `wanted` keys' nor of a state beside the
    /// current one, and not younger than a sweep kept. Returns how much that was; where `is_trial`, how much that would
    /// be.
    ///
    /// # Errors
    /// A file cannot be read or removed.
    pub fn clear_work(
        &self,
        mut wanted: BTreeSet<Digest>,
        swept: &Swept,
        is_trial: bool,
    ) -> Result<Amount> {
        for folder in states::folders(&self.workflow.root)? {
            wanted.extend(states::keys(&folder)?);
        }
        let mut removed = Amount::default();
        for folder in idle(&own(&self.workflow.root, "work"), &wanted, swept.since)? {
            let amount = amount_of(&folder)?;
            removed.files += amount.files;
            removed.bytes += amount.bytes;
            if !is_trial {
                remove_path(&folder)?;
            }
        }
        Ok(removed)
    }

    /// Contents that a scope keeps.
    fn kept(&self, scope: Scope) -> Result<Keep> {
        let mut keep = Keep {
            since: { scope.younger_than }.and_then(|age| SystemTime::now().checked_sub(age)),
            ..Keep::default()
        };
        if scope.workspace || scope.commits {
            add(&mut keep, self.lock);
            keep.contents
                .extend(SourceLock::load(&self.workflow.root)?.contents());
            self.add_states_beside(&mut keep)?;
            self.add_passed_checks(&mut keep)?;
        }
        if scope.commits {
            self.add_commits(&mut keep)?;
        }
        Ok(keep)
    }

    /// Keeps results of experiments and of trials of searches.
    fn add_states_beside(&self, keep: &mut Keep) -> Result<()> {
        for folder in states::folders(&self.workflow.root)? {
            add(keep, &Lock::load(&folder)?);
            keep.keys.extend(states::keys(&folder)?);
        }
        Ok(())
    }

    /// Keeps stamps of checks of kept contents.
    fn add_passed_checks(&self, keep: &mut Keep) -> Result<()> {
        for instance in &self.workflow.graph.instances {
            if let Some(locked) = self.lock.get(&instance.name) {
                keep.checks
                    .extend(check_stamp::texts(instance, &locked.outputs));
            }
        }
        Ok(())
    }

    /// Keeps contents that committed versions of the lock and of the sources use.
    fn add_commits(&self, keep: &mut Keep) -> Result<()> {
        for (file, read) in [
            (lock::FILE, add_lock as fn(&mut Keep, &Source) -> Result<()>),
            (source_lock::FILE, add_sources),
        ] {
            let path = format!("./{file}");
            let commits = revision::ask(
                &self.workflow.root,
                &[
                    "log",
                    "--all",
                    "--format=%H",
                    "--diff-filter=AM",
                    "--",
                    &path,
                ],
            )?;
            for commit in commits.lines() {
                let text =
                    revision::ask(&self.workflow.root, &["show", &format!("{commit}:{path}")])?;
                let name = format!("{commit}:{file}");
                read(keep, &Source { name, text })?;
            }
        }
        Ok(())
    }
}

/// The folders in `work` that are of no wanted key and not younger than `since`.
fn idle(work: &Path, wanted: &BTreeSet<Digest>, since: Option<SystemTime>) -> Result<Vec<PathBuf>> {
    let mut idle = Vec::new();
    for entry in fs_err::read_dir(work)? {
        let entry = entry?;
        let key = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let is_wanted = key.is_none_or(|key| wanted.contains(&key));
        let modified = entry.metadata()?.modified()?;
        if !is_wanted && since.is_none_or(|since| modified < since) {
            idle.push(entry.path());
        }
    }
    idle.sort();
    Ok(idle)
}

/// The files in a folder.
fn amount_of(folder: &Path) -> Result<Amount> {
    let mut amount = Amount::default();
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            let inner = amount_of(&entry.path())?;
            amount.files += inner.files;
            amount.bytes += inner.bytes;
        } else {
            amount.files += 1;
            amount.bytes += metadata.len();
        }
    }
    Ok(amount)
}

/// A command on one line, without the quotes of JSON.
fn plain(command: &str) -> String {
    let text = match serde_json::from_str(command) {
        Ok(Value::String(text)) => text,
        Ok(Value::Array(texts)) => {
            let texts = texts.iter().filter_map(Value::as_str);
            texts.collect::<Vec<_>>().join("; ")
        }
        _ => command.to_owned(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn add(keep: &mut Keep, lock: &Lock) {
    for (_, locked) in lock.iter() {
        keep.keys.insert(locked.key);
        keep.contents.extend(locked.outputs.values());
    }
}

fn add_lock(keep: &mut Keep, source: &Source) -> Result<()> {
    add(keep, &Lock::parse(source)?);
    Ok(())
}

fn add_sources(keep: &mut Keep, source: &Source) -> Result<()> {
    keep.contents.extend(SourceLock::parse(source)?.contents());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_no_wanted_key_is_idle_unless_it_is_young() {
        let work = tempfile::tempdir().unwrap();
        let [wanted, other] = [b"a", b"b"].map(|text| Digest::of_bytes(text));
        for name in [&wanted.to_string(), &other.to_string(), "tool-7"] {
            fs_err::create_dir(work.path().join(name)).unwrap();
        }
        let keys = BTreeSet::from([wanted]);
        let found = idle(work.path(), &keys, None).unwrap();
        assert_eq!(found, [work.path().join(other.to_string())]);
        let since = SystemTime::now().checked_sub(Duration::from_secs(3600));
        assert!(idle(work.path(), &keys, since).unwrap().is_empty());
    }
}
