//! Files from a URL or a path, brought to a place whole or not at all.

use std::path::Path;

use store::{copy_path, remove_path};

use crate::download::{Download, Received};
use crate::error::{Error, Result};
use crate::{own, sha256};

/// Unfinished downloads, in the runner's folder.
const PARTIAL: &str = "partial";

/// A received file that is not in its place yet.
pub(crate) struct Arrived<'a> {
    pub(crate) path: &'a Path,
    /// Known where it was computed on the way.
    sha256: Option<String>,
}

impl Arrived<'_> {
    /// Its SHA-256.
    ///
    /// # Errors
    /// It is a folder, or cannot be read.
    pub(crate) fn sha256(&self) -> Result<String> {
        let known = self.sha256.clone();
        known.map_or_else(|| sha256::of_file(self.path), Ok)
    }
}

/// Brings `from`, a URL or a path, to `place`, whole and as `check` wants it, or not at all.
pub(crate) fn transfer(
    root: &Path,
    from: &str,
    place: &Path,
    progress: &mut dyn FnMut(Received),
    check: impl FnOnce(&Arrived<'_>) -> Result<()>,
) -> Result<()> {
    if from.contains("://") {
        let mut download = Download::new(from, &own(root, PARTIAL));
        let sha256 = Some(download.run(progress)?);
        let path = download.file();
        if let Err(error) = check(&Arrived { path, sha256 }) {
            download.discard()?;
            return Err(error);
        }
        put(path, place)?;
        return download.discard();
    }
    if !Path::new(from).exists() {
        return Err(Error::NothingToImport(from.to_owned()));
    }
    let aside = own(root, &format!("work/import-{}", std::process::id()));
    remove_path(&aside)?;
    fs_err::create_dir_all(own(root, "work"))?;
    let placed = { copy_path(Path::new(from), &aside) }
        .map_err(Error::from)
        .and_then(|()| {
            check(&Arrived {
                path: &aside,
                sha256: None,
            })
        })
        .and_then(|()| put(&aside, place));
    if placed.is_err() {
        remove_path(&aside)?;
    }
    placed
}

/// Moves a file or folder to `place`, whole.
fn put(from: &Path, place: &Path) -> Result<()> {
    if let Some(parent) = place.parent() {
        fs_err::create_dir_all(parent)?;
    }
    Ok(store::move_path(from, place)?)
}
