//! Finding the files below a path.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::file_state::{FileState, SETTLING, now_ns};
use crate::tree::{self, Content};
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
    pub(crate) fn of(root: &Path) -> Result<Self> {
        let metadata = match fs_err::symlink_metadata(root) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = root.to_owned();
                return Err(Error::NotFound { path });
            }
            Err(error) => return Err(error.into()),
        };
        let is_link = metadata.is_symlink();
        let metadata = if is_link { follow(root)? } else { metadata };
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

    fn empty_folder() -> Self {
        Self {
            is_folder: true,
            files: Vec::new(),
            empty_folders: Vec::new(),
        }
    }

    fn of_folder(root: &Path, is_link: bool) -> Result<Self> {
        let mut listing = Self::empty_folder();
        let links = Links {
            // A link at the root leads elsewhere, but nothing above it can be met again.
            followed: is_link,
            ..Links::default()
        };
        listing.add_folder(root, "", &links)?;
        // Sorted folder by folder, but for links to folders.
        let files = &mut listing.files;
        if !files.is_sorted_by(|a, b| a.relative <= b.relative) {
            files.par_sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
        }
        listing.empty_folders.sort_unstable();
        Ok(listing)
    }

    fn add_folder(&mut self, folder: &Path, relative: &str, links: &Links) -> Result<()> {
        let mut entries = fs_err::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        entries.retain(|entry| !IGNORED.iter().any(|name| entry.file_name() == *name));
        entries.sort_by_cached_key(place);
        if entries.is_empty() && !relative.is_empty() {
            self.empty_folders.push(relative.to_owned());
        }
        // A folder may hold a thousand files: it is worth a thread of its own, a file isn't.
        let has_folders = entries.iter().any(is_folder);
        let found = entries
            .into_par_iter()
            .with_min_len(if has_folders { 1 } else { 512 })
            .map(|entry| visit(&entry, folder, relative, links));
        for found in found.collect::<Result<Vec<_>>>()? {
            match found {
                Visited::File(file) => self.files.push(file),
                Visited::Folder(mut inner) => {
                    self.files.append(&mut inner.files);
                    self.empty_folders.append(&mut inner.empty_folders);
                }
            }
        }
        Ok(())
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

    /// The name of a plain file, given the digests of the files' bytes; none of a folder, or what is executable.
    pub(crate) fn plain_file(&self, digests: &[Digest]) -> Option<Digest> {
        match (self.files.as_slice(), digests) {
            ([file], [digest]) if !self.is_folder => match file.content(*digest) {
                Content::File(digest) => Some(digest),
                _ => None,
            },
            _ => None,
        }
    }

    /// The name of anything else, that of a tree, whose text goes to `sink`.
    pub(crate) fn tree(
        &self,
        digests: &[Digest],
        sink: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Digest> {
        let files = self.files.iter().zip(digests);
        let files = files.map(|(file, digest)| (file.relative.as_str(), file.content(*digest)));
        let folders = self.empty_folders.iter();
        let folders = folders.map(|path| (path.as_str(), Content::EmptyFolder));
        let mut lines: Vec<_> = files.chain(folders).collect();
        lines.par_sort_unstable_by_key(|(path, _)| *path);
        Ok(tree::write(&lines, sink)?)
    }
}

/// The symbolic links followed on the way to a folder.
#[derive(Clone, Default)]
struct Links {
    followed: bool,
    /// The real paths of the folders that hold them.
    folders: Vec<PathBuf>,
}

impl Links {
    /// With one more link, at `link` in `folder`, to a folder.
    fn with(&self, link: &Path, folder: &Path) -> Result<Self> {
        let mut folders = self.folders.clone();
        folders.push(fs_err::canonicalize(folder)?);
        let target = fs_err::canonicalize(link)?;
        if folders.iter().any(|at| at.starts_with(&target)) {
            let path = link.to_owned();
            return Err(Error::LinkLoop { path });
        }
        Ok(Self {
            followed: true,
            folders,
        })
    }
}

/// By this, entries of a folder sort as the paths do that begin with them.
fn place(entry: &fs_err::DirEntry) -> OsString {
    let mut name = entry.file_name();
    if is_folder(entry) {
        name.push("/");
    }
    name
}

fn is_folder(entry: &fs_err::DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}

enum Visited {
    File(Found),
    Folder(Listing),
}

/// Looks at an entry of `folder`, and below it.
fn visit(
    entry: &fs_err::DirEntry,
    folder: &Path,
    relative: &str,
    links: &Links,
) -> Result<Visited> {
    let path = entry.path();
    let name = entry.file_name();
    let Some(name) = name.to_str() else {
        return Err(Error::NotUtf8 { path });
    };
    let mut relative = relative.to_owned();
    if !relative.is_empty() {
        relative.push('/');
    }
    relative.push_str(name);
    let kind = entry.file_type()?;
    let is_link = kind.is_symlink();
    let target = is_link.then(|| follow(&path)).transpose()?;
    if kind.is_dir() || target.as_ref().is_some_and(std::fs::Metadata::is_dir) {
        let beyond = is_link.then(|| links.with(&path, folder)).transpose()?;
        let mut inner = Listing::empty_folder();
        inner.add_folder(&path, &relative, beyond.as_ref().unwrap_or(links))?;
        return Ok(Visited::Folder(inner));
    }
    let metadata = match target {
        Some(metadata) => metadata,
        // The entry knows its folder: the system needn't look up the whole path again.
        None => entry.metadata()?,
    };
    Ok(Visited::File(Found {
        relative,
        linked: is_link || links.followed,
        state: state_of_file(&path, &metadata)?,
    }))
}

/// The metadata of that to which `path` links.
fn follow(path: &Path) -> Result<std::fs::Metadata> {
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
