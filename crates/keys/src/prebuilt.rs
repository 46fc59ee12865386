//! Binaries that were built elsewhere, with the code that they were made from: the manifest of an archive for people who
//! have no sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use store::Digest;

use crate::error::{Error, Result};
use crate::manifest::Manifest;

/// Name of the manifest in the root of the workspace.
pub const FILE: &str = "prebuilt.json";

/// Version of the manifest's format.
const FORMAT: u32 = 1;

/// The manifest of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prebuilt {
    /// Version of the format.
    format: u32,
    /// Version of the programs.
    pub version: String,
    /// Commit of the sources, if git has one; the sources may have been edited since.
    pub commit: Option<String>,
    /// Target triple.
    pub target: String,
    /// By `crate/binary`.
    pub binaries: BTreeMap<String, Binary>,
}

/// A binary of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binary {
    /// Path from the root.
    pub path: PathBuf,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// The device class that it was built for.
    pub device: String,
    /// Hash of the lines of `manifest`.
    pub code: Digest,
    /// Lines of code in the manifest of a stage that it runs.
    pub manifest: Vec<String>,
}

impl Binary {
    /// A binary at `path` with the lines of its code.
    #[must_use]
    pub fn new(path: PathBuf, sha256: String, device: String, manifest: &Manifest) -> Self {
        Binary {
            path,
            sha256,
            device,
            code: manifest.key(),
            manifest: manifest.to_string().lines().map(str::to_owned).collect(),
        }
    }
}

impl Prebuilt {
    /// The manifest of `binaries`.
    #[must_use]
    pub fn new(
        version: String,
        commit: Option<String>,
        target: String,
        binaries: BTreeMap<String, Binary>,
    ) -> Self {
        Prebuilt {
            format: FORMAT,
            version,
            commit,
            target,
            binaries,
        }
    }

    /// Reads the manifest in `root`. None if there is none, or if `root` has a `Cargo.lock`: sources count in its place.
    ///
    /// # Errors
    /// It cannot be read, is malformed or of another version.
    pub fn load(root: &Path) -> Result<Option<Self>> {
        let path = root.join(FILE);
        if root.join("Cargo.lock").is_file() || !path.is_file() {
            return Ok(None);
        }
        let bytes = fs_err::read(path)?;
        let malformed = |error: serde_json::Error| Error::Prebuilt(error.to_string());
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(malformed)?;
        let format = value.get("format").and_then(serde_json::Value::as_u64);
        if format != Some(u64::from(FORMAT)) {
            let found = format.map_or("none".to_owned(), |format| format.to_string());
            return Err(Error::Prebuilt(format!(
                "its `format` is {found}, expected {FORMAT}"
            )));
        }
        serde_json::from_value(value).map(Some).map_err(malformed)
    }

    /// The binary of `run`, a text `crate/binary`.
    ///
    /// # Errors
    /// There's none; the message names the nearest.
    pub fn binary(&self, run: &str) -> Result<&Binary> {
        self.binaries.get(run).ok_or_else(|| Error::NotPrebuilt {
            run: run.to_owned(),
            hint: nearest_name::hint(run, self.binaries.keys().map(String::as_str)),
        })
    }

    /// The lines of a manifest for the code of `run`.
    ///
    /// # Errors
    /// There's no such binary, or its lines aren't those of its hash.
    pub(crate) fn manifest(&self, run: &str) -> Result<Manifest> {
        let binary = self.binary(run)?;
        let manifest = Manifest::read(&binary.manifest.join("\n"));
        if manifest.key() != binary.code {
            return Err(Error::Prebuilt(format!(
                "the lines of `{run}` are not those of its `code`"
            )));
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Section;

    fn manifest() -> Manifest {
        let mut manifest = Manifest::default();
        manifest.add(Section::Build, "rustc", "rustc 1.95.0");
        manifest.add(Section::Code, "app/src/a = b.rs", "00");
        manifest
    }

    fn prebuilt() -> Prebuilt {
        let binary = Binary::new("bin/a".into(), "ba".into(), "cpu".into(), &manifest());
        let binaries = [("app/first".to_owned(), binary)].into();
        Prebuilt::new("0.1.0".into(), None, "x".into(), binaries)
    }

    #[test]
    fn the_code_of_a_binary_is_that_of_its_sources() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Prebuilt::load(folder.path()).unwrap(), None);
        let text = serde_json::to_vec(&prebuilt()).unwrap();
        fs_err::write(folder.path().join(FILE), text).unwrap();
        let read = Prebuilt::load(folder.path()).unwrap().unwrap();
        assert_eq!(read.manifest("app/first").unwrap(), manifest());
        let error = read.manifest("app/frist").unwrap_err().to_string();
        assert!(error.contains("did you mean `app/first`?"), "{error}");
        fs_err::write(folder.path().join("Cargo.lock"), "").unwrap();
        assert_eq!(Prebuilt::load(folder.path()).unwrap(), None);
    }

    #[test]
    fn another_format_and_edited_lines_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join(FILE), r#"{"format": 2}"#).unwrap();
        assert_eq!(
            Prebuilt::load(folder.path()).unwrap_err().to_string(),
            "cannot use `prebuilt.json`: its `format` is 2, expected 1"
        );
        let mut edited = prebuilt();
        let binary = edited.binaries.get_mut("app/first").unwrap();
        binary.manifest[0].push('1');
        let error = edited.manifest("app/first").unwrap_err().to_string();
        assert!(error.contains("are not those of its `code`"), "{error}");
    }
}
