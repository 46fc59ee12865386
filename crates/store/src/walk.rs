//! The files below a path, with their states.

use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use walk::{File, Reason, Rules, Tree, Unusable};

use crate::file_state::{FileState, SETTLING, now_ns};
use crate::tree::{self, Content};
use crate::{Digest, Error, Result};

/// State of a file, or of the files of a folder.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) is_folder: bool,
    /// Sorted by path.
    pub(crate) files: Vec<Found>,
    /// Folders without files, sorted.
    pub(crate) empty_folders: Vec<String>,
    /// Entries that no stage can read, sorted; none in a result of a stage.
    pub(crate) unusable: Vec<Unusable>,
    rules: Rules,
}

#[derive(Debug)]
pub(crate) struct Found {
    /// Relative to the root, `/` between components; empty if the root is the file.
    pub(crate) relative: String,
    /// Reached through a symbolic link at or below the root, so that it may belong elsewhere.
    pub(crate) linked: bool,
    pub(crate) state: FileState,
}

impl Found {
    /// Path of the file, given the path of its listing's root.
    pub(crate) fn path(&self, root: &Path) -> PathBuf {
        if self.relative.is_empty() {
            root.to_owned()
        } else {
            root.join(&self.relative)
        }
    }

    fn content(&self, digest: Digest) -> Content {
        if self.state.is_executable() {
            Content::Executable(digest)
        } else {
            Content::File(digest)
        }
    }
}

impl Listing {
    /// Lists the file or folder at `root`, with one look at each file.
    pub(crate) fn of(root: &Path, rules: Rules) -> Result<Self> {
        let tree = Tree::of(root, rules).map_err(walk_error)?;
        let found = |file: File| {
            let mut found = Found {
                state: FileState::new(root, &file.metadata),
                relative: file.relative,
                linked: file.linked,
            };
            if cfg!(not(unix)) {
                found.state = FileState::new(&found.path(root), &file.metadata);
            }
            found
        };
        Ok(Self {
            is_folder: tree.is_folder,
            // One file isn't worth the start of threads.
            files: match tree.files.len() {
                0 | 1 => tree.files.into_iter().map(found).collect(),
                _ => tree.files.into_par_iter().map(found).collect(),
            },
            empty_folders: tree.empty_folders,
            unusable: tree.unusable,
            rules,
        })
    }

    /// Waits until a later write to files that were written just now would show, if the `wanted` ones
    /// have so many bytes that reading them again would take longer.
    pub(crate) fn settle(&self, wanted: impl Fn(&FileState) -> bool) {
        const WORTH_WAITING: u64 = 16 << 20;
        const OPENING: u64 = 64 << 10;
        let now = now_ns();
        let fresh = |file: &&Found| !file.state.modification_settled(now) && wanted(&file.state);
        let cost: u64 = self
            .files
            .iter()
            .filter(fresh)
            .map(|file| file.state.size + OPENING)
            .sum();
        if cost > WORTH_WAITING {
            std::thread::sleep(SETTLING);
        }
    }

    /// The digest of the content of a file that was read with this `result`: in a source, a file that may not be read
    /// is an entry like another that no stage can read, and has none.
    pub(crate) fn readable<T>(&self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(read) => Ok(Some(read)),
            Err(Error::Io(error))
                if self.is_source_folder() && error.kind() == io::ErrorKind::PermissionDenied =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn is_source_folder(&self) -> bool {
        self.is_folder && self.rules == Rules::Source
    }

    /// The name of a plain file, given the digests of the files' bytes; none for a folder or an executable file.
    pub(crate) fn plain_file(&self, digests: &[Option<Digest>]) -> Option<Digest> {
        match (self.files.as_slice(), digests) {
            ([file], [Some(digest)]) if !self.is_folder => match file.content(*digest) {
                Content::File(digest) => Some(digest),
                _ => None,
            },
            _ => None,
        }
    }

    /// The name of anything else, that of a tree, whose text goes to `sink`. A file without a digest cannot be read.
    pub(crate) fn tree(
        &self,
        digests: &[Option<Digest>],
        sink: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Digest> {
        let files = self.files.iter().zip(digests);
        let files = files.map(|(file, digest)| {
            let content = digest.map(|digest| file.content(digest));
            let content = content.unwrap_or(Content::Unusable(Reason::Unreadable));
            (file.relative.as_str(), content)
        });
        let folders = self.empty_folders.iter();
        let folders = folders.map(|path| (path.as_str(), Content::EmptyFolder));
        let unusable = self.unusable.iter();
        let unusable =
            unusable.map(|entry| (entry.relative.as_str(), Content::Unusable(entry.reason)));
        let mut lines: Vec<_> = files.chain(folders).chain(unusable).collect();
        lines.par_sort_by_key(|(path, _)| *path);
        Ok(tree::write(&lines, sink)?)
    }
}

fn walk_error(error: walk::Error) -> Error {
    match error {
        walk::Error::NotFound { path } => Error::NotFound { path },
        walk::Error::Io(error) => Error::Io(error),
        walk::Error::Unusable { path, reason } => match reason {
            Reason::DanglingLink => match fs_err::read_link(&path) {
                Ok(target) => Error::DanglingLink { path, target },
                Err(error) => Error::Io(error),
            },
            Reason::LinkLoop => Error::LinkLoop { path },
            Reason::NotUtf8 => Error::NotUtf8 { path },
            _ => Error::NotAFile { path },
        },
        other => Error::Io(io::Error::other(other)),
    }
}
