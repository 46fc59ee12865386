//! Finding the files below a path.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::file_state::{FileState, SETTLING, now_ns};
use crate::tree::{Content, Entry, Tree};
use crate::{Digest, Error, Result};

/// Files that desktops leave wherever they show a folder; no part of its content.
const IGNORED: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// A file, or the files of a folder, as their states tell.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) is_folder: bool,
    /// Sorted by path.
    pub(crate) files: Vec<Found>,
    /// Folders without files, sorted.
    pub(crate) empty_folders: Vec<String>,
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
    /// Where the file is, given the path of its listing's root.
    pub(crate) fn path(&self, root: &Path) -> PathBuf {
        if self.relative.is_empty() {
            root.to_owned()
        } else {
            root.join(&self.relative)
        }
    }
}

impl Listing {
    /// Lists the file or folder at `root`, with one look at each file.
    pub(crate) fn of(root: &Path) -> Result<Self> {
        let is_link = match fs_err::symlink_metadata(root) {
            Ok(metadata) => metadata.is_symlink(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = root.to_owned();
                return Err(Error::NotFound { path });
            }
            Err(error) => return Err(error.into()),
        };
        let metadata = follow(root, is_link)?;
        if metadata.is_dir() {
            return Self::of_folder(root, is_link);
        }
        let file = Found {
            relative: String::new(),
            linked: is_link,
            state: state_of_file(root, &metadata)?,
        };
        Ok(Self {
            is_folder: false,
            files: vec![file],
            empty_folders: Vec::new(),
        })
    }

    fn of_folder(root: &Path, root_is_link: bool) -> Result<Self> {
        let mut walk = Walk::default();
        walk.visit(root, "")?;
        let mut files = walk
            .names
            .into_par_iter()
            .map(|(relative, linked)| {
                let path = root.join(&relative);
                let state = state_of_file(&path, &follow(&path, linked)?)?;
                Ok(Found {
                    relative,
                    linked: linked || root_is_link,
                    state,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        files.par_sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
        walk.empty_folders.sort_unstable();
        Ok(Self {
            is_folder: true,
            files,
            empty_folders: walk.empty_folders,
        })
    }

    /// Waits until files that were written just now can be told from files written next, if
    /// there are so many bytes in those that `wanted` that reading them again would take longer.
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

    /// The digest and, for a folder or an executable file, the tree's text.
    pub(crate) fn name(self, digests: &[Digest]) -> (Digest, Option<String>) {
        let contents = self.files.iter().zip(digests).map(|(file, digest)| {
            if file.state.is_executable() {
                Content::Executable(*digest)
            } else {
                Content::File(*digest)
            }
        });
        let contents: Vec<_> = contents.collect();
        if let ([Content::File(digest)], false) = (contents.as_slice(), self.is_folder) {
            return (*digest, None);
        }
        let files = self.files.into_iter().zip(contents);
        let files = files.map(|(file, content)| Entry {
            path: file.relative,
            content,
        });
        let folders = self.empty_folders.into_iter().map(|path| Entry {
            path,
            content: Content::EmptyFolder,
        });
        let mut entries: Vec<_> = files.chain(folders).collect();
        entries.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let text = Tree { entries }.render();
        (Tree::digest(text.as_bytes()), Some(text))
    }
}

/// The names found so far.
#[derive(Default)]
struct Walk {
    /// Paths of files and whether a link led there.
    names: Vec<(String, bool)>,
    empty_folders: Vec<String>,
    /// The real paths of the folders that hold the links followed on the way to the present one.
    followed_in: Vec<PathBuf>,
}

impl Walk {
    fn visit(&mut self, folder: &Path, relative: &str) -> Result<()> {
        let mut is_empty = true;
        for entry in fs_err::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if IGNORED.iter().any(|ignored| name == OsStr::new(ignored)) {
                continue;
            }
            is_empty = false;
            let Some(name) = name.to_str() else {
                return Err(Error::NotUtf8 { path: entry.path() });
            };
            let relative = if relative.is_empty() {
                name.to_owned()
            } else {
                format!("{relative}/{name}")
            };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.visit(&entry.path(), &relative)?;
            } else if kind.is_symlink() && follow(&entry.path(), true)?.is_dir() {
                self.visit_link(folder, &entry.path(), &relative)?;
            } else {
                let linked = kind.is_symlink() || !self.followed_in.is_empty();
                self.names.push((relative, linked));
            }
        }
        if is_empty && !relative.is_empty() {
            self.empty_folders.push(relative.to_owned());
        }
        Ok(())
    }

    fn visit_link(&mut self, folder: &Path, link: &Path, relative: &str) -> Result<()> {
        let target = fs_err::canonicalize(link)?;
        self.followed_in.push(fs_err::canonicalize(folder)?);
        if self.followed_in.iter().any(|at| at.starts_with(&target)) {
            let path = link.to_owned();
            return Err(Error::LinkLoop { path });
        }
        self.visit(link, relative)?;
        self.followed_in.pop();
        Ok(())
    }
}

/// The metadata of the file at `path`, or of that to which it links.
fn follow(path: &Path, is_link: bool) -> Result<std::fs::Metadata> {
    if !is_link {
        return Ok(fs_err::symlink_metadata(path)?);
    }
    // The plain call keeps the system's error number, which the wrapper hides.
    match path.metadata() {
        Ok(metadata) => Ok(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::DanglingLink {
            path: path.to_owned(),
            target: fs_err::read_link(path)?,
        }),
        Err(error) if is_loop(&error) => Err(Error::LinkLoop {
            path: path.to_owned(),
        }),
        Err(_) => Ok(fs_err::metadata(path)?),
    }
}

#[cfg(unix)]
fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_loop(_error: &io::Error) -> bool {
    false
}

fn state_of_file(path: &Path, metadata: &std::fs::Metadata) -> Result<FileState> {
    if metadata.is_file() {
        return Ok(FileState::new(path, metadata));
    }
    let path = path.to_owned();
    Err(Error::NotAFile { path })
}
