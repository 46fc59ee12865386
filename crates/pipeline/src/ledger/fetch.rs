//! Files that are fetched and kept as sources, known by their SHA-256.

use std::path::Path;
use std::process::Command;

use store::{Index, copy_path, remove_path};

use crate::error::{Error, Result};
use crate::ledger::download::Download;
pub use crate::ledger::download::Received;
use crate::ledger::sources::{FILE, Tracked};
use crate::workspace::Workspace;

/// Unfinished downloads, in the runner's folder.
const PARTIAL: &str = "partial";

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

/// How a file came to its place.
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
    /// Whether the SHA-256 was compared with one that was known before.
    pub is_verified: bool,
    /// How it came.
    pub arrival: Arrival,
}

impl Workspace {
    /// Brings a file into its place, from the cache or from its URL, and notes it in `sources.lock`. A file that stands
    /// there is checked and noted likewise. `check` sees the file before it is put there.
    ///
    /// # Errors
    /// The fetching fails (what arrived is kept and continued by the next call), or the file is another than expected
    /// (nothing of it is kept).
    pub fn fetch_source(
        &mut self,
        wanted: &Wanted<'_>,
        check: &dyn Fn(&Path) -> Result<(), String>,
        progress: &mut dyn FnMut(Received),
    ) -> Result<Fetched> {
        let path = self.own_source(wanted.path)?;
        let place = self.workflow.root.join(&path);
        let tracked = Tracked::load(&self.workflow.root)?;
        let noted = tracked
            .get(&path)
            .filter(|kept| kept.from.as_deref() == Some(wanted.from));
        let noted = noted.and_then(|kept| kept.sha256.clone());
        let expected: Vec<&str> = { wanted.sha256.into_iter() }
            .chain(noted.as_deref())
            .collect();
        let mut sha256 = String::new();
        let mut verify = |file: &Path| {
            check(file).map_err(|why| Error::Invalid(format!("`{}` {why}", wanted.from)))?;
            sha256 = sha256_of(file)?;
            let other = expected.iter().find(|expected| !begins(&sha256, expected));
            let Some(other) = other else { return Ok(()) };
            let error = other_sha256(wanted.from, &sha256, other);
            if wanted.sha256 == Some(other) {
                return Err(error);
            }
            let message = format!(
                "{error}, as `{FILE}` has it: if the publisher has replaced the file, remove `{path}` from there"
            );
            Err(Error::Invalid(message))
        };
        let arrival = if place.exists() {
            verify(&place).map_err(|error| {
                let message =
                    format!("{error}; `{path}` is there already: move it away to fetch it");
                Error::Invalid(message)
            })?;
            Arrival::Present
        } else if noted.is_some() && self.restore_source_from_cache(&path)? {
            verify(&place)?;
            Arrival::Restored
        } else {
            self.fetch(wanted.from, &place, progress, |_, file| verify(file))?;
            Arrival::Downloaded
        };
        let is_verified = !expected.is_empty();
        self.keep_source(&path, Some(wanted.from.to_owned()), Some(sha256.clone()))?;
        Ok(Fetched {
            bytes: fs_err::metadata(&place)?.len(),
            path,
            sha256,
            is_verified,
            arrival,
        })
    }

    /// Brings `from`, a URL or a path, to `place`, whole and as `check` wants it, or not at all.
    pub(crate) fn fetch(
        &mut self,
        from: &str,
        place: &Path,
        progress: &mut dyn FnMut(Received),
        check: impl FnOnce(&mut Index, &Path) -> Result<()>,
    ) -> Result<()> {
        if from.contains("://") {
            let own = self.own(PARTIAL);
            let download = Download::new(from, &own);
            let file = download.run(progress)?;
            if let Err(error) = check(&mut self.index, file) {
                download.discard()?;
                return Err(error);
            }
            put(file, place)?;
            return download.discard();
        }
        if !Path::new(from).exists() {
            let message = format!("cannot import `{from}`: it does not exist");
            return Err(Error::Invalid(message));
        }
        let aside = self.own(&format!("work/import-{}", std::process::id()));
        remove_path(&aside)?;
        fs_err::create_dir_all(self.own("work"))?;
        let placed = { copy_path(Path::new(from), &aside) }
            .map_err(Error::from)
            .and_then(|()| check(&mut self.index, &aside))
            .and_then(|()| put(&aside, place));
        if placed.is_err() {
            remove_path(&aside)?;
        }
        placed
    }
}

/// Moves a file or folder to `place`, whole.
fn put(from: &Path, place: &Path) -> Result<()> {
    if let Some(parent) = place.parent() {
        fs_err::create_dir_all(parent)?;
    }
    Ok(store::move_path(from, place)?)
}

/// Checks the SHA-256 of `file`, which came from `from`.
///
/// # Errors
/// It is another, or none can be computed.
pub(crate) fn check_sha256(from: &str, file: &Path, expected: &str) -> Result<()> {
    let found = sha256_of(file)?;
    if found == expected.to_ascii_lowercase() {
        return Ok(());
    }
    Err(other_sha256(from, &found, expected))
}

fn other_sha256(from: &str, found: &str, expected: &str) -> Error {
    let message = format!(
        "the SHA-256 of `{from}` is {found}, expected {expected}{}",
        if expected.len() < found.len() {
            "…"
        } else {
            ""
        }
    );
    Error::Invalid(message)
}

fn begins(sha256: &str, expected: &str) -> bool {
    sha256.starts_with(&expected.to_ascii_lowercase())
}

/// The SHA-256 of a file, by the system's own program.
fn sha256_of(file: &Path) -> Result<String> {
    let programs: [&[&str]; 2] = [&["sha256sum"], &["shasum", "-a", "256"]];
    for program in programs {
        let output = Command::new(program[0])
            .args(&program[1..])
            .arg(file)
            .output();
        let Ok(output) = output else { continue };
        let text = String::from_utf8_lossy(&output.stdout);
        // A path with odd characters is announced by a backslash.
        let found = text
            .trim_start_matches('\\')
            .split(' ')
            .next()
            .unwrap_or_default();
        if output.status.success() && found.len() == 64 {
            return Ok(found.to_owned());
        }
        let why = String::from_utf8_lossy(&output.stderr);
        let message = format!(
            "cannot compute the SHA-256 of `{}`: {}",
            file.display(),
            why.trim()
        );
        return Err(Error::Invalid(message));
    }
    let message = "cannot compute a SHA-256: neither `sha256sum` nor `shasum` starts";
    Err(Error::Invalid(message.into()))
}
