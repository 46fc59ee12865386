//! Files that are fetched and kept as sources, known by their SHA-256.

use std::path::Path;

pub use crate::download::Received;
use crate::error::{Error, Result};
use crate::sha256;
use crate::source_lock::SourceLock;
use crate::sources::Sources;
use crate::transfer::transfer;

/// A file to be fetched.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its URL.
    pub from: &'a str,
    /// Its place in the workspace.
    pub path: &'a Path,
    /// Its SHA-256, or the first digits of it; without, the first download is trusted and noted.
    pub sha256: Option<&'a str>,
}

/// Origin of a fetched file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrival {
    /// It was there.
    Present,
    /// From the cache.
    Restored,
    /// From its URL.
    Downloaded,
}

/// A file that was fetched.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fetched {
    /// Its place, from the workspace root.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its whole SHA-256.
    pub sha256: String,
    /// True if the SHA-256 was compared with one that was known before.
    pub is_verified: bool,
    /// Its origin.
    pub arrival: Arrival,
}

/// Fetches a file to its place, from the cache or from its URL, and notes it in `sources.lock`. A file that exists
/// there is checked and noted likewise. `check` is called before the file is moved to its place.
///
/// # Errors
/// The fetching fails (received bytes are kept, and the next call continues), or the file is another than expected
/// (nothing of it is kept).
pub fn fetch(
    sources: &mut Sources<'_>,
    wanted: &Wanted<'_>,
    check: &dyn Fn(&Path) -> Result<(), String>,
    progress: &mut dyn FnMut(Received),
) -> Result<Fetched> {
    let path = sources.own_path(wanted.path)?;
    let place = sources.workflow.root.join(&path);
    let tracked = SourceLock::load(&sources.workflow.root)?;
    let noted = tracked
        .get(&path)
        .filter(|kept| kept.from.as_deref() == Some(wanted.from));
    let noted = noted.and_then(|kept| kept.sha256.clone());
    let expected: Vec<&str> = { wanted.sha256.into_iter() }
        .chain(noted.as_deref())
        .collect();
    let mut sha256 = String::new();
    let mut verify = |file: &Path, found: &dyn Fn() -> Result<String>| {
        check(file).map_err(|why| Error::Unfit {
            from: wanted.from.to_owned(),
            why,
        })?;
        sha256 = found()?;
        let other = expected
            .iter()
            .find(|expected| !sha256::begins(&sha256, expected));
        let Some(other) = other else { return Ok(()) };
        let fault = sha256::mismatch(wanted.from, &sha256, other);
        if wanted.sha256 == Some(other) {
            return Err(fault);
        }
        Err(Error::Replaced {
            fault: Box::new(fault),
            path: path.clone(),
        })
    };
    let arrival = if place.exists() {
        verify(&place, &|| sha256::of_file(&place)).map_err(|fault| Error::OtherFile {
            fault: Box::new(fault),
            path: path.clone(),
        })?;
        Arrival::Present
    } else if noted.is_some() && sources.restore_from_cache(&path)? {
        verify(&place, &|| sha256::of_file(&place))?;
        Arrival::Restored
    } else {
        let root = &sources.workflow.root;
        transfer(root, wanted.from, &place, progress, |arrived| {
            verify(arrived.path, &|| arrived.sha256())
        })?;
        Arrival::Downloaded
    };
    let is_verified = !expected.is_empty();
    sources.keep(&path, Some(wanted.from.to_owned()), Some(sha256.clone()))?;
    Ok(Fetched {
        bytes: fs_err::metadata(&place)?.len(),
        path,
        sha256,
        is_verified,
        arrival,
    })
}
