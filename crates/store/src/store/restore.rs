//! Giving files and folders out.

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;

use super::Store;
use crate::file_state::FileState;
use crate::mode::set_mode;
use crate::place::{self, SCRATCH_PREFIX};
use crate::read::{Hashed, copy_and_hash};
use crate::scratch::{self, Scratch};
use crate::tree::{Content, Tree};
use crate::{Digest, Error, Index, Result};

impl Store {
    /// Restores the file or folder `digest` at `to`, replacing the old content, in one step where the
    /// file system allows.
    ///
    /// Restored files bear the modification time of their object. They may be read-only.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Damaged`] if the content has to be made anew;
    /// [`Error::UnsafePath`] or [`Error::MalformedTree`] for a tree that no version of this
    /// program wrote; the disk is full. The old content of `to` then stays.
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
        // The removed folder may share its files with the restored one.
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

    /// Verifies the objects of all entries, in their order.
    fn verify_all(&self, index: &mut Index, tree: &Tree) -> Result<Vec<Option<Hashed>>> {
        let known = &*index;
        let objects = tree.entries.par_iter().map(|entry| entry.content.object());
        let verified = objects.map(|object| object.map(|o| self.verify(known, o)).transpose());
        verified.collect()
    }

    /// Makes the files of `tree` at `to`, where nothing is.
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
        if !self.abilities()?.clones || place::clone_file(&from, to).is_err() {
            let can_link = same_device && !executable && object.state.size > 0;
            if can_link && fs_err::hard_link(&from, to).is_ok() {
                return Ok(());
            }
            // Hashing once more costs little beside the writing.
            let digest = object.digest;
            if copy_and_hash(&from, to)?.digest != digest {
                return Err(Error::Damaged { digest });
            }
        }
        place::set_modified(to, object.state.modified())?;
        set_mode(to, self.abilities()?.mode(executable))?;
        Ok(())
    }
}
