//! The walk.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err::DirEntry;
use rayon::prelude::*;

use crate::ignores::{IGNORE_FILE, Ignores};
use crate::litter::{is_litter, is_of_desktop};
use crate::unusable::escaped;
use crate::{Error, Reason, Unusable};

/// Rules for the entries that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// A folder that people and other programs fill.
    Source,
    /// A result of a stage.
    Output,
}

/// The files below a root, each with one look at it.
#[derive(Debug)]
pub struct Tree {
    /// True if the root is a folder, and not a file.
    pub is_folder: bool,
    /// Sorted by path.
    pub files: Vec<File>,
    /// Folders without files that count, sorted; relative to the root.
    pub empty_folders: Vec<String>,
    /// Entries that no stage can read, sorted; none under [`Rules::Output`], where one is an error.
    pub unusable: Vec<Unusable>,
    /// Files and folders that the rules leave out; those below such a folder are not counted.
    pub n_ignored: usize,
}

/// A file of a tree.
#[derive(Debug)]
pub struct File {
    /// Relative to the root, `/` between components; empty if the root is the file.
    pub relative: String,
    /// Reached through a symbolic link at or below the root, so that it may belong elsewhere.
    pub linked: bool,
    /// Of the file itself, behind all links.
    pub metadata: Metadata,
}

impl Tree {
    /// Walks the file or folder at `root`.
    ///
    /// # Errors
    /// There is nothing at `root`, it cannot be read, or under [`Rules::Output`] an entry cannot.
    pub fn of(root: &Path, rules: Rules) -> Result<Self, Error> {
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
            return Self::of_folder(root, is_link, rules);
        }
        if !metadata.is_file() {
            return Err(unusable(root, Reason::SpecialFile));
        }
        let file = File {
            relative: String::new(),
            linked: is_link,
            metadata,
        };
        Ok(Self {
            is_folder: false,
            files: vec![file],
            ..Self::empty_folder()
        })
    }

    fn empty_folder() -> Self {
        Self {
            is_folder: true,
            files: Vec::new(),
            empty_folders: Vec::new(),
            unusable: Vec::new(),
            n_ignored: 0,
        }
    }

    fn of_folder(root: &Path, is_link: bool, rules: Rules) -> Result<Self, Error> {
        let links = Links {
            // A link at the root leads elsewhere, but nothing above it can be met again.
            followed: is_link,
            ..Links::default()
        };
        let place = Place {
            path: root,
            relative: "",
            links: &links,
            ignores: None,
            rules,
        };
        let mut tree = Self::empty_folder();
        tree.add_folder(&place, entries(root)?)?;
        // Sorted folder by folder, but for links to folders.
        let files = &mut tree.files;
        if !files.is_sorted_by(|a, b| a.relative <= b.relative) {
            files.par_sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
        }
        tree.empty_folders.sort_unstable();
        tree.unusable.sort_unstable();
        Ok(tree)
    }

    fn add_folder(&mut self, place: &Place<'_>, entries: Vec<DirEntry>) -> Result<(), Error> {
        let (entries, ignores) = self.without_ignored(place, entries);
        let place = &Place {
            ignores: ignores.as_ref(),
            ..*place
        };
        if entries.is_empty() && !place.relative.is_empty() {
            self.empty_folders.push(place.relative.to_owned());
        }
        // A folder may hold a thousand files: it is worth a thread of its own, a file isn't.
        let has_folders = entries.iter().any(is_folder);
        let found = entries
            .into_par_iter()
            .with_min_len(if has_folders { 1 } else { 512 })
            .map(|entry| visit(&entry, place));
        for found in found.collect::<Result<Vec<_>, _>>()? {
            match found {
                Visited::File(file) => self.files.push(file),
                Visited::Unusable(unusable) => self.unusable.push(unusable),
                Visited::Folder(mut inner) => {
                    self.files.append(&mut inner.files);
                    self.empty_folders.append(&mut inner.empty_folders);
                    self.unusable.append(&mut inner.unusable);
                    self.n_ignored += inner.n_ignored;
                }
            }
        }
        Ok(())
    }

    /// The entries that count, in the order of the paths that begin with them, and the patterns that hold for them.
    fn without_ignored(
        &mut self,
        place: &Place<'_>,
        mut entries: Vec<DirEntry>,
    ) -> (Vec<DirEntry>, Option<Arc<Ignores>>) {
        let n_entries = entries.len();
        let mut ignores = None;
        match place.rules {
            Rules::Output => entries.retain(|entry| !is_of_desktop(&entry.file_name())),
            Rules::Source => {
                let has_file = entries.iter().any(|entry| entry.file_name() == IGNORE_FILE);
                let fault;
                (ignores, fault) = Ignores::of(place.path, has_file, place.ignores);
                if let Some(detail) = fault {
                    self.unusable.push(Unusable {
                        relative: place.relative_of(IGNORE_FILE),
                        reason: Reason::IgnoreFile,
                        detail,
                    });
                }
                entries.retain(|entry| !is_ignored(entry, ignores.as_deref()));
            }
        }
        self.n_ignored += n_entries - entries.len();
        entries.sort_by_cached_key(sort_key);
        (entries, ignores)
    }
}

/// A folder on the walk.
#[derive(Clone, Copy)]
struct Place<'a> {
    path: &'a Path,
    relative: &'a str,
    links: &'a Links,
    /// The patterns of this folder's ignore file and of those above.
    ignores: Option<&'a Arc<Ignores>>,
    rules: Rules,
}

impl Place<'_> {
    fn relative_of(&self, name: &str) -> String {
        if self.relative.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.relative)
        }
    }

    /// An entry that cannot be read: a row under [`Rules::Source`], else an error.
    fn refuse(&self, entry: &DirEntry, reason: Reason, detail: String) -> Result<Visited, Error> {
        match self.rules {
            Rules::Output => Err(unusable(&entry.path(), reason)),
            Rules::Source => Ok(Visited::Unusable(Unusable {
                relative: self.relative_of(&escaped(&entry.file_name())),
                reason,
                detail,
            })),
        }
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
    /// With one more link, at `link` in `folder`, to a folder; none if it leads to a folder above.
    fn with(&self, link: &Path, folder: &Path) -> io::Result<Option<Self>> {
        let mut folders = self.folders.clone();
        folders.push(fs_err::canonicalize(folder)?);
        let target = fs_err::canonicalize(link)?;
        let is_loop = folders.iter().any(|at| at.starts_with(&target));
        Ok((!is_loop).then_some(Self {
            followed: true,
            folders,
        }))
    }
}

fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    fs_err::read_dir(folder)?.collect()
}

fn is_ignored(entry: &DirEntry, ignores: Option<&Ignores>) -> bool {
    let is_folder = || match entry.file_type() {
        Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
        kind => kind.is_ok_and(|kind| kind.is_dir()),
    };
    ignores
        .and_then(|ignores| ignores.decide(&entry.path(), is_folder()))
        .unwrap_or_else(|| is_litter(&entry.file_name()))
}

/// By this, entries of a folder sort as the paths do that begin with them.
fn sort_key(entry: &DirEntry) -> OsString {
    let mut name = entry.file_name();
    if is_folder(entry) {
        name.push("/");
    }
    name
}

fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}

enum Visited {
    File(File),
    Folder(Tree),
    Unusable(Unusable),
}

/// Looks at an entry, and below it.
fn visit(entry: &DirEntry, place: &Place<'_>) -> Result<Visited, Error> {
    let name = entry.file_name();
    let Some(name) = name.to_str() else {
        return place.refuse(entry, Reason::NotUtf8, Reason::NotUtf8.to_string());
    };
    let kind = match entry.file_type() {
        Ok(kind) => kind,
        Err(error) => return refuse_io(place, entry, error),
    };
    let is_link = kind.is_symlink();
    let metadata = if is_link {
        match follow(&entry.path()) {
            Ok(metadata) => Some(metadata),
            Err(Error::Unusable { reason, .. }) => {
                return place.refuse(entry, reason, link_detail(entry, reason));
            }
            Err(Error::Io(error)) => return refuse_io(place, entry, error),
            Err(other) => return Err(other),
        }
    } else {
        None
    };
    if kind.is_dir() || metadata.as_ref().is_some_and(Metadata::is_dir) {
        return visit_folder(entry, place, is_link, &place.relative_of(name));
    }
    let metadata = match metadata {
        Some(metadata) => Ok(metadata),
        // The entry knows its folder: the system needn't look up the whole path again.
        None => entry.metadata(),
    };
    match metadata {
        Err(error) => refuse_io(place, entry, error),
        Ok(metadata) if !metadata.is_file() => {
            place.refuse(entry, Reason::SpecialFile, Reason::SpecialFile.to_string())
        }
        Ok(metadata) => Ok(Visited::File(File {
            relative: place.relative_of(name),
            linked: is_link || place.links.followed,
            metadata,
        })),
    }
}

fn visit_folder(
    entry: &DirEntry,
    place: &Place<'_>,
    is_link: bool,
    relative: &str,
) -> Result<Visited, Error> {
    let path = entry.path();
    let beyond;
    let links = if is_link {
        match place.links.with(&path, place.path) {
            Ok(Some(links)) => beyond = links,
            Ok(None) => {
                return place.refuse(entry, Reason::LinkLoop, Reason::LinkLoop.to_string());
            }
            Err(error) => return refuse_io(place, entry, error),
        }
        &beyond
    } else {
        place.links
    };
    let inner = match entries(&path) {
        Ok(entries) => entries,
        Err(error) => return refuse_io(place, entry, error),
    };
    let mut tree = Tree::empty_folder();
    let place = Place {
        path: &path,
        relative,
        links,
        ..*place
    };
    tree.add_folder(&place, inner)?;
    Ok(Visited::Folder(tree))
}

fn refuse_io(place: &Place<'_>, entry: &DirEntry, error: io::Error) -> Result<Visited, Error> {
    // A shortage of memory or descriptors says nothing of the entry.
    let is_of_entry = matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound
    );
    if place.rules == Rules::Source && is_of_entry {
        place.refuse(entry, Reason::Unreadable, error.kind().to_string())
    } else {
        Err(error.into())
    }
}

/// The detail of a link that cannot be followed. An absolute target differs from machine to machine.
fn link_detail(entry: &DirEntry, reason: Reason) -> String {
    match fs_err::read_link(entry.path()) {
        Ok(target) if reason == Reason::DanglingLink && target.is_relative() => {
            format!("a link to `{}`, which doesn't exist", target.display())
        }
        _ => reason.to_string(),
    }
}

/// The metadata of the target of the link `path`.
fn follow(path: &Path) -> Result<Metadata, Error> {
    // The plain call keeps the system's error number, which the wrapper hides.
    match path.metadata() {
        Ok(metadata) => Ok(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(unusable(path, Reason::DanglingLink))
        }
        // The target's path goes through a file.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(unusable(path, Reason::DanglingLink))
        }
        Err(error) if is_loop(&error) => Err(unusable(path, Reason::LinkLoop)),
        Err(_) => Ok(fs_err::metadata(path)?),
    }
}

fn unusable(path: &Path, reason: Reason) -> Error {
    let path = path.to_owned();
    Error::Unusable { path, reason }
}

#[cfg(unix)]
fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_loop(_error: &io::Error) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
