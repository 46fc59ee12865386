//! The content-addressed cache.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rayon::prelude::*;

use crate::file_state::{FileState, OBJECT_MODE, now_ns};
use crate::place::{self, Abilities};
use crate::read::{Hashed, copy_and_hash, hash_file};
use crate::scratch::{self, Scratch};
use crate::tree::{Content, Tree};
use crate::walk::{Found, Listing};
use crate::{Digest, Error, Index, Record, Result};

/// What is restored on another file system than the cache's is built under this name.
const SCRATCH_PREFIX: &str = ".atelier-tmp-";

/// Files and folders by the hash of their content, and records of runs by key.
///
/// | place | holds |
/// |---|---|
/// | `objects/ab/cdef…` | the bytes of a file, read-only |
/// | `trees/ab/cdef…` | the text that describes a folder |
/// | `records/ab/cdef…` | a [`Record`] as JSON |
/// | `tmp/` | work under way; what a killed process left is removed by [`Store::open`] |
///
/// Whatever stands under its final name was moved there whole. It isn't forced onto the disk
/// first: what a power cut damages is noticed by its hash and made anew.
///
/// Where the file system can share bytes between files (btrfs, XFS, APFS), the workspace and the
/// cache have files of their own. Elsewhere they share the file, which is made read-only, by a
/// hard link. Only where neither works are bytes copied: between file systems, and for
/// executable and empty files, files with other hard links, and files behind symbolic links.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    device: u64,
    abilities: Abilities,
}

/// A file of the workspace and its object, when both were last known to have the content.
struct Taken {
    file: Hashed,
    object: Hashed,
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
            abilities: Abilities::of(&scratch)?,
            root,
        })
    }

    /// Takes in the file or folder at `path` and returns its digest, the same as
    /// [`Index::digest`] gives.
    ///
    /// Files whose state the index knows are not read; the others are read once. Afterwards the
    /// index knows them, and they may be read-only: replace them, or see [`crate::remove_path`].
    ///
    /// # Errors
    /// As for [`Index::digest`]; the disk is full.
    pub fn put(&self, index: &mut Index, path: &Path) -> Result<Digest> {
        let listing = Listing::of(path)?;
        listing.settle(|state| index.get(state).is_none());
        let known = &*index;
        let taken = listing.files.par_iter();
        let taken = taken.map(|file| self.take_in(known, path, file));
        let taken = taken.collect::<Result<Vec<_>>>()?;
        let digests: Vec<_> = taken.iter().map(|taken| taken.file.digest).collect();

        let placed = taken.into_par_iter().zip(&listing.files);
        let placed = placed.flat_map_iter(|(taken, file)| {
            let object = self.object(&taken.object.digest);
            [(taken.file, file.path(path)), (taken.object, object)]
        });
        self.observe_placed(index, placed)?;

        let (digest, text) = listing.name(&digests);
        if let Some(text) = text {
            self.write("trees", &digest, text.as_bytes())?;
        }
        Ok(digest)
    }

    /// Puts the file or folder `digest` at `to`, replacing what was there, in one step where the
    /// file system allows.
    ///
    /// Restored files bear the modification time of their object. They may be read-only.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Damaged`] if the content has to be made anew;
    /// [`Error::UnsafePath`] or [`Error::MalformedTree`] for a tree that no version of this
    /// program wrote; the disk is full. What was at `to` is then still there.
    pub fn restore(&self, index: &mut Index, digest: &Digest, to: &Path) -> Result<()> {
        let tree = self.load(digest)?;
        let objects = self.verify_all(index, &tree)?;
        let parent = match to.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        fs_err::create_dir_all(parent)?;
        let same_device = FileState::of(parent)?.device == self.device;
        let scratch = || -> Result<Scratch> {
            if same_device {
                return Ok(self.scratch());
            }
            scratch::clean(parent, SCRATCH_PREFIX)?;
            Ok(Scratch::new(parent, SCRATCH_PREFIX))
        };
        let (made, old) = (scratch()?, scratch()?);
        self.build(&tree, &objects, made.path(), same_device)?;
        place::replace(made, to, &old)?;
        // What is removed may share its files with what was put in its place.
        drop(old);

        let placed = objects.into_par_iter().zip(&tree.entries);
        let placed = placed.flat_map_iter(|(object, entry)| {
            let path = if entry.path.is_empty() {
                to.to_owned()
            } else {
                to.join(&entry.path)
            };
            let both = object.map(|object| [(object, path), (object, self.object(&object.digest))]);
            both.into_iter().flatten()
        });
        self.observe_placed(index, placed)
    }

    /// Whether the store holds the file, or the folder with all its files.
    ///
    /// Looks for them without reading them: damage shows at [`Store::restore`].
    #[must_use]
    pub fn contains(&self, digest: &Digest) -> bool {
        self.load(digest).is_ok_and(|tree| {
            let objects = tree.entries.par_iter();
            let objects = objects.filter_map(|entry| entry.content.object());
            objects.all(|object| self.object(&object).is_file())
        })
    }

    /// Keeps `record` under `key`, replacing an earlier one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn record(&self, key: &Digest, record: &Record) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(record).map_err(io::Error::from)?;
        text.push(b'\n');
        self.write("records", key, &text)
    }

    /// The record under `key`; one that cannot be read is as one that isn't there.
    #[must_use]
    pub fn recorded(&self, key: &Digest) -> Option<Record> {
        let text = fs_err::read(self.place("records", key)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn place(&self, kind: &str, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        let (folder, name) = hex.split_at(2);
        let mut path = self.root.join(kind);
        path.push(folder);
        path.push(name);
        path
    }

    fn object(&self, digest: &Digest) -> PathBuf {
        self.place("objects", digest)
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(&self.root.join("tmp"), "")
    }

    fn write(&self, kind: &str, digest: &Digest, bytes: &[u8]) -> Result<()> {
        let path = self.place(kind, digest);
        make_parent(&path)?;
        scratch::write_whole(self.scratch(), bytes, &path)
    }

    /// The tree `digest`; that of one plain file if no tree has the name.
    fn load(&self, digest: &Digest) -> Result<Tree> {
        let path = self.place("trees", digest);
        let text = match fs_err::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Tree::of_file(Content::File(*digest)));
            }
            Err(error) => return Err(error.into()),
        };
        if Tree::digest(&text) != *digest {
            place::remove_path(&path)?;
            return Err(Error::Damaged { digest: *digest });
        }
        Tree::parse(*digest, &text)
    }

    /// Makes sure that the object has the content of its name; removes it otherwise.
    fn verify(&self, index: &Index, digest: Digest) -> Result<Hashed> {
        let path = self.object(&digest);
        let state = match FileState::of(&path) {
            Ok(state) => state,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Missing { digest });
            }
            Err(error) => return Err(error.into()),
        };
        if state.links > 1 && state.mode != OBJECT_MODE {
            return self.detach(index, digest);
        }
        if index.get_object(&state) == Some(digest) {
            return Ok(known(digest, state));
        }
        let hashed = index.read(&path)?;
        if hashed.digest != digest {
            place::remove_path(&path)?;
            return Err(Error::Damaged { digest });
        }
        Ok(hashed)
    }

    /// Parts the object from a file of the workspace whose mode somebody has changed, and who
    /// may write to it next.
    fn detach(&self, index: &Index, digest: Digest) -> Result<Hashed> {
        let object = self.object(&digest);
        let copy = self.scratch();
        index.count_read();
        let hashed = copy_and_hash(&object, copy.path())?;
        if hashed.digest != digest {
            place::remove_path(&object)?;
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
        place::set_mode(copy.path(), OBJECT_MODE)?;
        copy.persist(object)?;
        Ok(FileState::of(object)?)
    }

    /// Verifies the objects of all entries, in their order.
    fn verify_all(&self, index: &mut Index, tree: &Tree) -> Result<Vec<Option<Hashed>>> {
        let known = &*index;
        let objects = tree.entries.par_iter().map(|entry| entry.content.object());
        let verified = objects.map(|object| object.map(|o| self.verify(known, o)).transpose());
        verified.collect()
    }

    /// Stores one file.
    fn take_in(&self, index: &Index, root: &Path, found: &Found) -> Result<Taken> {
        let path = found.path(root);
        let (file, copy) = match index.get(&found.state) {
            Some(digest) => (known(digest, found.state), None),
            None => self.read_in(index, &path, found)?,
        };
        match self.verify(index, file.digest) {
            Ok(object) => {
                let shared = self.can_share(found) && self.share(&object, &path)?;
                let file = if shared { object } else { file };
                Ok(Taken { file, object })
            }
            Err(Error::Missing { .. } | Error::Damaged { .. }) => {
                self.make_object(&path, found, &file, copy)?;
                Ok(Taken { file, object: file })
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a file, keeping a copy where one will be needed anyway.
    fn read_in(
        &self,
        index: &Index,
        path: &Path,
        found: &Found,
    ) -> Result<(Hashed, Option<Scratch>)> {
        let copy = self.scratch();
        if self.clone_aside(path, found, &copy)? {
            index.count_read();
            let hashed = hash_file(copy.path())?;
            let state = found.state;
            return Ok((Hashed { state, ..hashed }, Some(copy)));
        }
        // A file with more links may be an object already.
        if self.can_share(found) || found.state.links > 1 {
            return Ok((index.read(path)?, None));
        }
        index.count_read();
        Ok((copy_and_hash(path, copy.path())?, Some(copy)))
    }

    /// Places the object of a file with the content `file`, of which `copy` may be a copy.
    fn make_object(
        &self,
        path: &Path,
        found: &Found,
        file: &Hashed,
        copy: Option<Scratch>,
    ) -> Result<()> {
        let object = self.object(&file.digest);
        make_parent(&object)?;
        let copy = match copy {
            Some(copy) => copy,
            None => {
                let copy = self.scratch();
                if !self.clone_aside(path, found, &copy)? {
                    if self.can_share(found) && self.link_in(path, &object)? {
                        return Ok(());
                    }
                    if copy_and_hash(path, copy.path())?.digest != file.digest {
                        let path = path.to_owned();
                        return Err(Error::Changed { path });
                    }
                }
                copy
            }
        };
        self.finish_object(copy, file.state.modified(), &object)?;
        Ok(())
    }

    /// Clones a file, if the file system can.
    fn clone_aside(&self, path: &Path, found: &Found, copy: &Scratch) -> Result<bool> {
        if !self.abilities.clones || place::clone_file(path, copy.path()).is_err() {
            return Ok(false);
        }
        if FileState::of(path)?.same_content(&found.state) {
            return Ok(true);
        }
        let path = path.to_owned();
        Err(Error::Changed { path })
    }

    /// Whether the workspace's file may become the object.
    fn can_share(&self, found: &Found) -> bool {
        let state = &found.state;
        // The mode belongs to the file, not to its name: an object is never executable. A link
        // to an empty file saves nothing, and a file has no more than some 65,000 links.
        let plain = !state.is_executable() && state.size > 0;
        // Nothing but this output may become read-only.
        let ours = !found.linked && state.links == 1;
        plain && ours && !self.abilities.clones && state.device == self.device
    }

    /// Makes the file at `path` the object; whether that worked.
    fn link_in(&self, path: &Path, object: &Path) -> Result<bool> {
        place::set_mode(path, OBJECT_MODE)?;
        match fs_err::hard_link(path, object) {
            Ok(()) => Ok(true),
            // The same content was stored in this moment.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(true),
            Err(_) => {
                place::set_mode(path, self.abilities.mode(false))?;
                Ok(false)
            }
        }
    }

    /// Replaces the file at `path` by a link to its object; whether that worked.
    fn share(&self, object: &Hashed, path: &Path) -> Result<bool> {
        let link = self.scratch();
        if fs_err::hard_link(self.object(&object.digest), link.path()).is_err() {
            return Ok(false);
        }
        link.persist(path)?;
        Ok(true)
    }

    /// Makes what `tree` describes at `to`, where nothing is.
    fn build(
        &self,
        tree: &Tree,
        objects: &[Option<Hashed>],
        to: &Path,
        same_device: bool,
    ) -> Result<()> {
        if let (Some(content), [Some(object)]) = (tree.as_file(), objects) {
            return self.give_out(object, content, to, same_device);
        }
        fs_err::create_dir(to)?;
        let mut folders = BTreeSet::new();
        for entry in &tree.entries {
            match entry.content {
                Content::EmptyFolder => folders.insert(entry.path.as_str()),
                _ => folders.insert(entry.path.rsplit_once('/').map_or("", |(folder, _)| folder)),
            };
        }
        for folder in folders {
            fs_err::create_dir_all(to.join(folder))?;
        }
        let files = tree.entries.par_iter().zip(objects);
        files.try_for_each(|(entry, object)| match object {
            Some(object) => {
                self.give_out(object, entry.content, &to.join(&entry.path), same_device)
            }
            None => Ok(()),
        })
    }

    /// Makes a file with the content of `object` at `to`.
    fn give_out(
        &self,
        object: &Hashed,
        content: Content,
        to: &Path,
        same_device: bool,
    ) -> Result<()> {
        let from = self.object(&object.digest);
        let executable = matches!(content, Content::Executable(_));
        if !self.abilities.clones || place::clone_file(&from, to).is_err() {
            let can_link = same_device && !executable && object.state.size > 0;
            if can_link && fs_err::hard_link(&from, to).is_ok() {
                return Ok(());
            }
            fs_err::copy(&from, to)?;
        }
        place::set_modified(to, object.state.modified())?;
        place::set_mode(to, self.abilities.mode(executable))?;
        Ok(())
    }

    /// Tells the index the present state of files whose content is known.
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

/// What the index says of a file in this state.
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
