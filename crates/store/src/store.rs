//! The content-addressed cache.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use rayon::prelude::*;

use crate::file_state::{FileState, now_ns};
use crate::mode::set_mode;
use crate::place::{self, Abilities, persist};
use crate::read::{Hashed, copy_and_hash, is_plain_file, read_own};
use crate::remove::remove_path;
use crate::scratch::{self, Scratch};
use crate::tree::{Content, Tree};
use crate::write::write_by;
use crate::{Digest, Error, Index, Kind, Record, Result};

mod put;
mod restore;
pub(crate) mod sweep;
mod transfer;

/// Files and folders by the hash of their content, and records of runs by key.
///
/// | place | holds |
/// |---|---|
/// | `objects/ab/cdef…` | the bytes of a file, read-only |
/// | `trees/ab/cdef…` | the text that describes a folder |
/// | `records/ab/cdef…` | a [`Record`] as JSON |
/// | `checks/ab/cdef…` | the text of a check that a content has passed |
/// | `tmp/` | unfinished files; leftovers of a killed process are removed by [`Store::open`] |
///
/// Files and folders are moved whole to their final names. They aren't forced onto the disk
/// first: damage by a power cut is detected by the hash, and the content made anew.
///
/// Where the file system can share bytes between files (btrfs, XFS, APFS), the workspace and the
/// cache have files of their own. Elsewhere they share the file, which is made read-only, by a
/// hard link. Only where neither works are bytes copied: between file systems, and for
/// executable and empty files, files with other hard links, and files behind symbolic links.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    device: u64,
    /// Found when first needed, so that commands that only read or remove work on a full disk.
    abilities: OnceLock<Abilities>,
}

impl Store {
    /// Opens the store in the folder `root`, which is made if need be.
    ///
    /// # Errors
    /// The folder cannot be made or written.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        let scratch = root.join("tmp");
        fs_err::create_dir_all(&scratch)?;
        scratch::clean(&scratch, "")?;
        Ok(Self {
            device: FileState::of(&scratch)?.device,
            abilities: OnceLock::new(),
            root,
        })
    }

    /// Returns whether the store has the file, or the folder with all its files.
    ///
    /// Nothing is read: damage is detected by [`Store::restore`].
    #[must_use]
    pub fn contains(&self, digest: &Digest) -> bool {
        self.load(digest).is_ok_and(|tree| {
            let objects = tree.entries.par_iter();
            let objects = objects.filter_map(|entry| entry.content.object());
            objects.all(|object| is_plain_file(&self.object(&object)))
        })
    }

    /// Keeps `record` under `key`, replacing an earlier one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn record(&self, key: &Digest, record: &Record) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(record).map_err(io::Error::from)?;
        text.push(b'\n');
        self.write(Kind::Record, key, &text)
    }

    /// The record under `key`; one that cannot be read, or that belongs to another key, is as one that isn't there.
    #[must_use]
    pub fn recorded(&self, key: &Digest) -> Option<Record> {
        Record::parse(&self.read_text(Kind::Record, key).ok()?, key)
    }

    /// Stores the stamp of a passed check, by the text of the check and its content.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn stamp_check(&self, passed: &str) -> Result<()> {
        let name = Digest::of_bytes(passed.as_bytes());
        self.write(Kind::CheckStamp, &name, passed.as_bytes())
    }

    /// Returns whether [`Store::stamp_check`] has stored the stamp of this text.
    #[must_use]
    pub fn has_check_stamp(&self, passed: &str) -> bool {
        let name = Digest::of_bytes(passed.as_bytes());
        let noted = self.read_text(Kind::CheckStamp, &name);
        noted.is_ok_and(|noted| noted == passed.as_bytes())
    }

    fn read_text(&self, kind: Kind, digest: &Digest) -> io::Result<Vec<u8>> {
        read_own(&self.place(kind, digest))
    }

    /// The bytes of the file `digest`, which must fit into memory.
    ///
    /// # Errors
    /// [`Error::Missing`] where there is no such file, [`Error::Damaged`] where it has other bytes.
    pub fn read(&self, digest: &Digest) -> Result<Vec<u8>> {
        let path = self.object(digest);
        match fs_err::read(&path) {
            Ok(bytes) if Digest::of_bytes(&bytes) == *digest => Ok(bytes),
            Ok(_) => {
                remove_path(&path)?;
                Err(Error::Damaged { digest: *digest })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::Missing { digest: *digest })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn place(&self, kind: Kind, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        let (folder, name) = hex.split_at(2);
        let mut path = self.root.join(kind.folder());
        path.push(folder);
        path.push(name);
        path
    }

    fn object(&self, digest: &Digest) -> PathBuf {
        self.place(Kind::Object, digest)
    }

    fn abilities(&self) -> Result<Abilities> {
        if let Some(known) = self.abilities.get() {
            return Ok(*known);
        }
        let tried = Abilities::of(&self.root.join("tmp"))?;
        Ok(*self.abilities.get_or_init(|| tried))
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(&self.root.join("tmp"), "")
    }

    fn write(&self, kind: Kind, digest: &Digest, bytes: &[u8]) -> Result<()> {
        let path = self.place(kind, digest);
        make_parent(&path)?;
        write_by(self.scratch(), bytes, &path)
    }

    /// The tree `digest`; that of one plain file if no tree has the name.
    fn load(&self, digest: &Digest) -> Result<Tree> {
        let text = match self.read_text(Kind::Tree, digest) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Tree::of_file(Content::File(*digest)));
            }
            Err(error) => return Err(error.into()),
        };
        if Tree::digest(&text) != *digest {
            remove_path(&self.place(Kind::Tree, digest))?;
            return Err(Error::Damaged { digest: *digest });
        }
        Tree::parse(*digest, &text)
    }

    /// Makes sure that the object has the content of its name; removes it otherwise.
    fn verify(&self, index: &Index, digest: Digest) -> Result<Hashed> {
        let path = self.object(&digest);
        let state = match fs_err::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => FileState::new(&path, &metadata),
            // A link may lead to a writable file, a pipe has no content.
            Ok(_) => {
                remove_path(&path)?;
                return Err(Error::Damaged { digest });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Missing { digest });
            }
            Err(error) => return Err(error.into()),
        };
        if state.links > 1 && !state.is_read_only() {
            return self.detach(index, digest);
        }
        if index.get_object(&state) == Some(digest) {
            return Ok(known(digest, state));
        }
        let hashed = index.read(&path)?;
        if hashed.digest != digest {
            remove_path(&path)?;
            return Err(Error::Damaged { digest });
        }
        Ok(hashed)
    }

    /// Replaces the object, a file that is shared with the workspace and was made writable there, by a copy.
    fn detach(&self, index: &Index, digest: Digest) -> Result<Hashed> {
        let object = self.object(&digest);
        let copy = self.scratch();
        index.count_read();
        let hashed = copy_and_hash(&object, copy.path())?;
        if hashed.digest != digest {
            remove_path(&object)?;
            return Err(Error::Damaged { digest });
        }
        let state = self.finish_object(copy, hashed.state.modified(), &object)?;
        Ok(Hashed { state, ..hashed })
    }

    /// Moves a finished copy to its place among the objects.
    fn finish_object(
        &self,
        copy: Scratch,
        modified: SystemTime,
        object: &Path,
    ) -> Result<FileState> {
        place::set_modified(copy.path(), modified)?;
        set_mode(copy.path(), self.abilities()?.object_mode())?;
        persist(copy, object)?;
        Ok(FileState::of(object)?)
    }

    /// Adds the present state of files whose content is known to the index.
    fn observe_placed(
        &self,
        index: &mut Index,
        placed: impl ParallelIterator<Item = (Hashed, PathBuf)>,
    ) -> Result<()> {
        let states = placed.map(|(hashed, path)| Ok((hashed, FileState::of(&path)?)));
        let states = states.collect::<Result<Vec<_>>>()?;
        for (hashed, state) in &states {
            index.observe_placed(hashed, state);
        }
        Ok(())
    }
}

/// Entry of the index for a file in this state.
fn known(digest: Digest, state: FileState) -> Hashed {
    Hashed {
        digest,
        state,
        since_ns: now_ns(),
    }
}

fn make_parent(path: &Path) -> Result<()> {
    if let Some(parent) = path.parent()
        && !parent.is_dir()
    {
        fs_err::create_dir_all(parent)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
