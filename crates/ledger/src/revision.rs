//! Committed versions of the workspace, read by the git program.

use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use keys::lock::{self, Lock};
use workflow::declaration::{self, Declaration};
use workflow::params::{self, Params};
use workflow::source::Source;

use crate::error::{Error, Result};

/// A committed version of a workspace.
#[derive(Debug, Clone)]
pub struct Revision {
    root: PathBuf,
    commit: String,
}

impl Revision {
    /// The version that a person calls `name`; none if git knows no such, or there is no repository.
    #[must_use]
    pub fn find(root: &Path, name: &str) -> Option<Self> {
        let name = format!("{name}^{{commit}}");
        let arguments = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &name,
        ];
        let commit = ask(root, &arguments).ok()?.trim().to_owned();
        let is_hash = !commit.is_empty() && commit.chars().all(|c| c.is_ascii_hexdigit());
        is_hash.then(|| Revision {
            root: root.to_owned(),
            commit,
        })
    }

    /// The hash of the commit.
    #[must_use]
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// The params of the version, with the overlays `files` as they were then; without any, with the one that its
    /// `pipeline.toml` names as `default-params`.
    ///
    /// # Errors
    /// It doesn't have one of the files, or they are no params.
    pub fn params(&self, files: &[PathBuf]) -> Result<Params> {
        let overlays = files.iter().map(|file| self.overlay(file));
        let mut overlays: Vec<Source> = overlays.collect::<Result<_>>()?;
        if let (true, Some(source)) = (files.is_empty(), self.file(declaration::FILE)?) {
            let config = Declaration::parse(source)?;
            overlays.extend(config.default_overlay(|file| self.file(file))?);
        }
        Ok(Params::of_sources(self.file(params::FILE)?, overlays)?)
    }

    fn overlay(&self, file: &Path) -> Result<Source> {
        let path = std::path::absolute(file)?;
        let inside = path.strip_prefix(&self.root).unwrap_or(&path);
        let is_inside = inside
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let found = match inside.to_str().filter(|_| is_inside) {
            Some(inside) => self.file(inside)?,
            None => None,
        };
        found.ok_or_else(|| Error::NotCommitted {
            commit: self.short().to_owned(),
            file: file.to_owned(),
        })
    }

    /// The lock of the version; an empty one where it has none.
    ///
    /// # Errors
    /// The file isn't one.
    pub fn lock(&self) -> Result<Lock> {
        let source = self.file(lock::FILE)?;
        source.map_or_else(|| Ok(Lock::default()), |source| Ok(Lock::parse(&source)?))
    }

    /// A file of the version, by its path from the workspace root; none where it has none.
    fn file(&self, path: &str) -> Result<Option<Source>> {
        let name = format!("{}:./{path}", self.commit);
        let arguments = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &name,
        ];
        let Ok(blob) = ask(&self.root, &arguments) else {
            return Ok(None);
        };
        let text = ask(&self.root, &["cat-file", "blob", blob.trim()])?;
        let name = format!("{}:{path}", self.short());
        Ok(Some(Source { name, text }))
    }

    fn short(&self) -> &str {
        self.commit.get(..12).unwrap_or(&self.commit)
    }
}

/// Output of git.
pub(crate) fn ask(root: &Path, arguments: &[&str]) -> Result<String> {
    let failed = |why: &str| Error::Git(why.to_owned());
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(&error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
