//! Taking files and folders in.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use rayon::prelude::*;
use walk::Rules;

use super::{Store, known, make_parent};
use crate::file_state::FileState;
use crate::mode::set_mode;
use crate::place::{self, persist};
use crate::read::{Hashed, copy_and_hash};
use crate::scratch::Scratch;
use crate::walk::{Found, Listing};
use crate::{Digest, Error, Index, Kind, Result};

/// A file of the workspace and its object, when both were last known to have the content.
struct Taken {
    file: Hashed,
    object: Hashed,
}

impl Store {
    /// Takes in the file or folder at `path` and returns its digest, the same as
    /// [`Index::digest`] gives.
    ///
    /// Files whose state the index knows are not read; the others are read once. Afterwards the
    /// index knows them, and they may be read-only: replace them, or see [`crate::remove_path`].
    ///
    /// # Errors
    /// As for [`Index::digest`]; the disk is full.
    pub fn put(&self, index: &mut Index, path: &Path) -> Result<Digest> {
        let listing = Listing::of(path, Rules::Output)?;
        listing.settle(|state| index.get(state).is_none());
        let known = &*index;
        let taken = listing.files.par_iter();
        let taken = taken.map(|file| self.take_in(known, path, file));
        let taken = taken.collect::<Result<Vec<_>>>()?;
        let digests: Vec<_> = taken.iter().map(|taken| Some(taken.file.digest)).collect();

        let placed = taken.into_par_iter().zip(&listing.files);
        let placed = placed.flat_map_iter(|(taken, file)| {
            let object = self.object(&taken.object.digest);
            [(taken.file, file.path(path)), (taken.object, object)]
        });
        self.observe_placed(index, placed)?;

        self.name(&listing, &digests)
    }

    /// Stores the tree, if the listing needs one, and returns the name.
    fn name(&self, listing: &Listing, digests: &[Option<Digest>]) -> Result<Digest> {
        if let Some(digest) = listing.plain_file(digests) {
            return Ok(digest);
        }
        let text = self.scratch();
        let mut file = BufWriter::new(fs_err::File::create(text.path())?);
        let digest = listing.tree(digests, |piece| file.write_all(piece))?;
        file.flush()?;
        let path = self.place(Kind::Tree, &digest);
        make_parent(&path)?;
        persist(text, &path)?;
        Ok(digest)
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
                let shared = self.can_share(found)? && self.share(&object, &path)?;
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
        // A file with more links may be an object already.
        let may_be_object = found.state.links > 1;
        let may_clone = self.abilities()?.clones && found.state.device == self.device;
        if self.can_share(found)? || may_clone || may_be_object {
            return Ok((index.read(path)?, None));
        }
        let copy = self.scratch();
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
                if !self.clone_aside(path, file, &copy)? {
                    if self.can_share(found)? && self.link_in(path, &object)? {
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

    /// Clones a file with the content `file`, if the file system can.
    fn clone_aside(&self, path: &Path, file: &Hashed, copy: &Scratch) -> Result<bool> {
        if !self.abilities()?.clones || place::clone_file(path, copy.path()).is_err() {
            return Ok(false);
        }
        if FileState::of(path)?.same_content(&file.state) {
            return Ok(true);
        }
        let path = path.to_owned();
        Err(Error::Changed { path })
    }

    /// Returns whether the workspace's file may become the object.
    fn can_share(&self, found: &Found) -> Result<bool> {
        let state = &found.state;
        // The mode belongs to the file, not to its name: an object is never executable. A link
        // to an empty file saves nothing, and a file has no more than some 65,000 links.
        let plain = !state.is_executable() && state.size > 0;
        // Nothing but this output may become read-only.
        let ours = !found.linked && state.links == 1;
        Ok(plain && ours && !self.abilities()?.clones && state.device == self.device)
    }

    /// Makes the file at `path` the object; whether that worked.
    fn link_in(&self, path: &Path, object: &Path) -> Result<bool> {
        set_mode(path, self.abilities()?.object_mode())?;
        match fs_err::hard_link(path, object) {
            Ok(()) => Ok(true),
            // The same content was stored in this moment.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(true),
            Err(_) => {
                set_mode(path, self.abilities()?.mode(false))?;
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
        // A name on another mount, or that of a file in use elsewhere, stays as it is.
        Ok(link.rename(path).is_ok())
    }
}
