//! Finds the files of a folder.

use std::collections::BTreeSet;
use std::path::Path;

use table_problems::Problem;
use walk::{Rules, Tree};

use crate::CollectionError;

/// The files of a folder, without litter and ignored files.
#[derive(Debug, Default)]
pub struct FolderScan {
    /// Relative to the folder, with `/`, sorted.
    pub files: Vec<String>,
    /// Entries that cannot be read, with the reason.
    pub problems: Vec<Problem>,
    /// Folders without a file, relative to the folder, with `/`.
    pub empty_folders: Vec<String>,
    /// Hidden files, litter and files that `.atelierignore` names.
    pub n_ignored: usize,
}

impl FolderScan {
    /// Names of the folders at the top.
    pub fn top_folders(&self) -> BTreeSet<&str> {
        let paths = self.files.iter().chain(&self.empty_folders);
        let below = paths.filter_map(|path| path.split_once('/'));
        let mut folders: BTreeSet<&str> = below.map(|(top, _)| top).collect();
        let empty = self.empty_folders.iter().map(String::as_str);
        folders.extend(empty.filter(|path| !path.contains('/')));
        folders
    }
}

/// Walks `root` by the rules of sources; links are followed.
///
/// # Errors
/// `root` is no folder that can be read.
pub fn scan(root: &Path) -> Result<FolderScan, CollectionError> {
    let tree = Tree::of(root, Rules::Source)?;
    if !tree.is_folder {
        let path = root.to_owned();
        return Err(CollectionError::NotAFolder { path });
    }
    let problems = tree.unusable.into_iter().map(|entry| Problem {
        path: entry.relative,
        reason: entry.reason.name().to_owned(),
        detail: entry.detail,
    });
    Ok(FolderScan {
        problems: problems.collect(),
        files: tree.files.into_iter().map(|file| file.relative).collect(),
        empty_folders: tree.empty_folders,
        n_ignored: tree.n_ignored,
    })
}
