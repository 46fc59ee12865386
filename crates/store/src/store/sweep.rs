//! Looking through all that the cache holds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rayon::prelude::*;

use super::Store;
use crate::read::{hash_file, is_plain_file};
use crate::remove::remove_path;
use crate::{Digest, Error, Kind, Record, Result};

/// Contents that a sweep keeps.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    /// Keys of records, with all that they name.
    pub keys: BTreeSet<Digest>,
    /// Texts of checks that were passed.
    pub checks: BTreeSet<String>,
    /// Files and folders.
    pub contents: BTreeSet<Digest>,
    /// Whatever is younger than this.
    pub since: Option<SystemTime>,
}

/// Number of files and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Amount {
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Size of the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Size {
    /// Contents of files.
    pub objects: Amount,
    /// Texts that describe folders.
    pub trees: Amount,
    /// Notes of runs.
    pub records: Amount,
    /// Notes of checks that were passed.
    pub check_stamps: Amount,
}

impl Size {
    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let kinds = [self.objects, self.trees, self.records, self.check_stamps];
        kinds.iter().map(|kind| kind.bytes).sum()
    }
}

/// A file of the cache.
pub(super) struct Entry {
    pub(super) digest: Digest,
    path: PathBuf,
    pub(super) bytes: u64,
    modified: Option<SystemTime>,
}

impl Store {
    /// Size of the cache.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn size(&self) -> Result<Size> {
        let [objects, trees, records, check_stamps] = Kind::ALL.map(|kind| self.entries(kind));
        Ok(Size {
            objects: amount(&objects?),
            trees: amount(&trees?),
            records: amount(&records?),
            check_stamps: amount(&check_stamps?),
        })
    }

    /// The folders of files with the times of their last changes: another text once a file was added or removed.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn state_of_folders(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        for kind in Kind::ALL {
            for folder in list(&self.root.join(kind.folder()))? {
                let modified = fs_err::metadata(&folder)?.modified()?;
                hasher.update(format!("{} {modified:?}\n", folder.display()).as_bytes());
            }
        }
        Ok(hasher.finalize().to_string())
    }

    /// Every record that can be read, with its key and its age in the cache, sorted by key.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn records(&self) -> Result<Vec<(Digest, Record, Option<SystemTime>)>> {
        let entries = self.entries(Kind::Record)?.into_iter();
        let records = entries.filter_map(|entry| {
            let record = self.recorded(&entry.digest)?;
            Some((entry.digest, record, entry.modified))
        });
        Ok(records.collect())
    }

    /// The bytes of the files that a content is made of; those that are missing count nothing.
    #[must_use]
    pub fn bytes_of(&self, digest: &Digest) -> u64 {
        let objects = self.objects_of(digest);
        let sizes = objects
            .iter()
            .map(|object| fs_err::metadata(self.object(object)));
        sizes
            .filter_map(|metadata| Some(metadata.ok()?.len()))
            .sum()
    }

    /// Reads the whole cache, removes entries whose content isn't that of their names, and returns these names.
    ///
    /// # Errors
    /// A file cannot be read or removed.
    pub fn verify_whole(&self) -> Result<Vec<Digest>> {
        let objects = self.entries(Kind::Object)?;
        let damaged = objects.par_iter().map(|entry| {
            let is_whole =
                is_plain_file(&entry.path) && hash_file(&entry.path)?.digest == entry.digest;
            Ok((!is_whole).then_some(entry))
        });
        let damaged: Vec<Option<&Entry>> = damaged.collect::<Result<_>>()?;
        let mut names = Vec::new();
        for entry in damaged.into_iter().flatten() {
            remove_path(&entry.path)?;
            names.push(entry.digest);
        }
        for entry in self.entries(Kind::Tree)? {
            match self.load(&entry.digest) {
                Ok(_) => continue,
                Err(Error::Io(error)) => return Err(error.into()),
                Err(_) => remove_path(&entry.path)?,
            }
            names.push(entry.digest);
        }
        for entry in self.entries(Kind::Record)? {
            let text = self.read_text(Kind::Record, &entry.digest)?;
            if Record::parse(&text, &entry.digest).is_none() {
                remove_path(&entry.path)?;
                names.push(entry.digest);
            }
        }
        for entry in self.entries(Kind::CheckStamp)? {
            let text = self.read_text(Kind::CheckStamp, &entry.digest)?;
            if Digest::of_bytes(&text) != entry.digest {
                remove_path(&entry.path)?;
                names.push(entry.digest);
            }
        }
        Ok(names)
    }

    /// Removes all contents but those of `keep` and the files of kept folders, and returns their amount. Where
    /// `is_trial`, nothing is removed.
    ///
    /// # Errors
    /// A folder cannot be listed, or a file cannot be removed.
    pub fn sweep(&self, keep: &Keep, is_trial: bool) -> Result<Amount> {
        let is_young = |entry: &Entry| match (keep.since, entry.modified) {
            (Some(since), Some(modified)) => modified >= since,
            _ => false,
        };
        let mut contents = keep.contents.clone();
        let mut removed = Vec::new();
        for entry in self.entries(Kind::Record)? {
            if keep.keys.contains(&entry.digest) || is_young(&entry) {
                let record = self.recorded(&entry.digest);
                contents.extend(record.iter().flat_map(|record| record.outputs.values()));
            } else {
                removed.push(entry);
            }
        }
        let checks = { keep.checks.iter() }.map(|passed| Digest::of_bytes(passed.as_bytes()));
        let checks: BTreeSet<Digest> = checks.collect();
        let objects = contents.iter().flat_map(|digest| self.objects_of(digest));
        let objects: BTreeSet<Digest> = objects.collect();
        for (kind, kept) in [
            (Kind::Object, &objects),
            (Kind::Tree, &contents),
            (Kind::CheckStamp, &checks),
        ] {
            let entries = self.entries(kind)?.into_iter();
            removed
                .extend(entries.filter(|entry| !kept.contains(&entry.digest) && !is_young(entry)));
        }
        if !is_trial {
            for entry in &removed {
                remove_path(&entry.path)?;
            }
        }
        Ok(amount(&removed))
    }

    /// The files that a content is made of.
    fn objects_of(&self, digest: &Digest) -> BTreeSet<Digest> {
        let tree = self.load(digest);
        let entries = tree.iter().flat_map(|tree| &tree.entries);
        entries.filter_map(|entry| entry.content.object()).collect()
    }

    /// All files of a kind, sorted by name, without files of other names.
    pub(super) fn entries(&self, kind: Kind) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for folder in list(&self.root.join(kind.folder()))? {
            let Some(first) = folder.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            for path in list(&folder)? {
                let rest = path.file_name().and_then(|name| name.to_str());
                let digest = rest.and_then(|rest| format!("{first}{rest}").parse().ok());
                if let Some(digest) = digest {
                    let metadata = fs_err::symlink_metadata(&path)?;
                    entries.push(Entry {
                        digest,
                        bytes: metadata.len(),
                        modified: metadata.modified().ok(),
                        path,
                    });
                }
            }
        }
        entries.sort_by_key(|entry| entry.digest);
        Ok(entries)
    }
}

fn amount(entries: &[Entry]) -> Amount {
    Amount {
        files: entries.len().try_into().unwrap_or(u64::MAX),
        bytes: entries.iter().map(|entry| entry.bytes).sum(),
    }
}

/// Entries of a folder; empty where there is none.
fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs_err::read_dir(folder)?;
    let paths = entries.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
