//! The cache as a person sees it: what it holds and for what, and what of it may go.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use executor::Interrupts;
use serde::Serialize;
use serde_json::Value;
use store::{Amount, Digest, Keep, Size, remove_path};
use workflow::graph::{InstanceId, Selection};
use workflow::source::Source;

use crate::error::Result;
use crate::events::Events;
use crate::executors::executor;
use crate::ledger::revision;
use crate::ledger::sources::Tracked;
use crate::ledger::{check_stamp, workspace_lock};
use crate::lock::{self, Lock};
use crate::manifest::Manifest;
use crate::workspace::{FOLDER, KEYS, Workspace};
use crate::{place, status};

mod limits;

pub use limits::Large;

/// The folders of states beside the current one, in the runner's own.
const BESIDE: [&str; 2] = ["experiments", "studies"];

/// What a clearing of the cache keeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope {
    /// What the lock, experiments, studies and sources use.
    pub workspace: bool,
    /// What any committed version of the lock and of the sources uses, too.
    pub commits: bool,
    /// What is younger than this, too.
    pub younger_than: Option<Duration>,
}

/// A result in the cache.
#[derive(Debug, Serialize)]
pub struct Cached {
    /// The hash of its manifest.
    pub key: Digest,
    /// The instances that have it in the lock.
    pub stages: Vec<String>,
    /// What made it: `crate/binary`, or the shell's text.
    pub command: String,
    /// The names of its outputs.
    pub outputs: Vec<String>,
    /// Bytes of its outputs.
    pub bytes: u64,
    /// Seconds since it was made.
    pub age_s: u64,
}

impl Workspace {
    /// The results in the cache, the youngest first.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn cached(&self) -> Result<Vec<Cached>> {
        let Some(store) = &self.store else {
            return Ok(Vec::new());
        };
        let now = SystemTime::now();
        let records = store
            .records()?
            .into_iter()
            .filter_map(|(key, record, modified)| {
                let age = modified.and_then(|modified| now.duration_since(modified).ok());
                let manifest = Manifest::read(&record.manifest);
                // What has passed a check is noted there, too.
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

    /// How much the cache holds.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn cache_size(&self) -> Result<Size> {
        match &self.store {
            Some(store) => Ok(store.size()?),
            None => Ok(Size::default()),
        }
    }

    /// Reads all that the cache holds, and returns what was damaged and is gone now.
    ///
    /// # Errors
    /// A file cannot be read or removed.
    pub fn verify_cache(&self) -> Result<Vec<Digest>> {
        Ok(self.store()?.verify_whole()?)
    }

    /// Removes from the cache all that is outside of `scope`, or of what the limits in `pipeline.toml` allow besides what
    /// the workspace uses if the scope is empty, once no repro is at work, with what unfinished runs left that
    /// no stage would go on with. Returns how much that was; where `is_trial`, only how much that would be.
    ///
    /// # Errors
    /// A version of the lock cannot be read, or a file cannot be removed.
    pub fn clear_cache(
        &mut self,
        scope: Scope,
        is_trial: bool,
        events: &mut dyn Events,
    ) -> Result<Amount> {
        let is_default = !(scope.workspace || scope.commits || scope.younger_than.is_some());
        let interrupts = Interrupts::catch()?;
        let _lock = workspace_lock::acquire(&self.own("lock"), &interrupts, events)?;
        self.reload_lock()?;
        // A folder in which a stage is still at work is not cleared under it.
        let mut executor = executor(NonZeroUsize::MIN, &interrupts);
        place::recover(self, &mut executor, events)?;
        let keep = if is_default {
            let keep = self.kept(self.default_scope())?;
            self.fitting(keep)?
        } else {
            self.kept(scope)?
        };
        let mut removed = self.store()?.sweep(&keep, is_trial)?;
        for folder in self.idle_work(keep.since)? {
            let amount = amount_of(&folder)?;
            removed.files += amount.files;
            removed.bytes += amount.bytes;
            if !is_trial {
                remove_path(&folder)?;
            }
        }
        Ok(removed)
    }

    /// What a scope keeps.
    fn kept(&self, scope: Scope) -> Result<Keep> {
        let mut keep = Keep {
            since: { scope.younger_than }.and_then(|age| SystemTime::now().checked_sub(age)),
            ..Keep::default()
        };
        if scope.workspace || scope.commits {
            add(&mut keep, &self.lock);
            keep.contents
                .extend(Tracked::load(&self.workflow.root)?.contents());
            self.add_states_beside(&mut keep)?;
            self.add_passed_checks(&mut keep)?;
        }
        if scope.commits {
            self.add_commits(&mut keep)?;
        }
        Ok(keep)
    }

    /// Folders of runs that didn't come to their end and that no stage, as it is now or beside the current state, would go
    /// on with.
    fn idle_work(&mut self, since: Option<SystemTime>) -> Result<Vec<PathBuf>> {
        let work = self.own("work");
        if !work.is_dir() {
            return Ok(Vec::new());
        }
        let all: BTreeSet<InstanceId> = self.workflow.graph.instances.ids().collect();
        let selection = Selection {
            named: all.clone(),
            reached: all,
        };
        let outcomes = status::outcomes(self, &selection, false)?;
        let mut wanted: BTreeSet<Digest> =
            outcomes.iter().filter_map(|outcome| outcome.key).collect();
        for folder in self.folders_beside()? {
            wanted.extend(keys_beside(&folder)?);
        }
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

    /// Keeps what experiments and the trials of studies made.
    fn add_states_beside(&self, keep: &mut Keep) -> Result<()> {
        for folder in self.folders_beside()? {
            add(keep, &Lock::load(&folder)?);
            keep.keys.extend(keys_beside(&folder)?);
        }
        Ok(())
    }

    /// The folders of all states beside the current one.
    fn folders_beside(&self) -> Result<Vec<PathBuf>> {
        let mut folders = Vec::new();
        for kind in BESIDE {
            let kind = self.workflow.root.join(FOLDER).join(kind);
            if kind.is_dir() {
                for entry in fs_err::read_dir(kind)? {
                    folders.push(entry?.path());
                }
            }
        }
        Ok(folders)
    }

    /// Keeps what is known of checks that what is kept has passed.
    fn add_passed_checks(&self, keep: &mut Keep) -> Result<()> {
        for instance in &self.workflow.graph.instances {
            if let Some(locked) = self.lock.get(&instance.name) {
                keep.checks
                    .extend(check_stamp::texts(instance, &locked.outputs));
            }
        }
        Ok(())
    }

    /// Keeps what committed versions of the lock and of the sources use.
    fn add_commits(&self, keep: &mut Keep) -> Result<()> {
        for (file, read) in [
            (lock::FILE, add_lock as fn(&mut Keep, &Source) -> Result<()>),
            (crate::ledger::sources::FILE, add_sources),
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

/// The keys that a state beside the current one has had.
fn keys_beside(folder: &Path) -> Result<BTreeSet<Digest>> {
    let keys = folder.join(KEYS);
    if !keys.exists() {
        return Ok(BTreeSet::new());
    }
    let text = fs_err::read_to_string(keys)?;
    Ok(text.lines().filter_map(|key| key.parse().ok()).collect())
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
    keep.contents.extend(Tracked::parse(source)?.contents());
    Ok(())
}
