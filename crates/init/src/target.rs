//! The file of parameters to write, or to compare with.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::document::{self, Existing};
use crate::job::Job;
use crate::names;

/// A file of parameters.
#[derive(Debug)]
pub(crate) struct Target {
    /// Its name without extension.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// Its content, if it exists.
    pub(crate) existing: Option<Existing>,
}

impl Target {
    /// The file of the name that was given, or one named after the folder: the first of `NAME`, `NAME-2`, … that isn't
    /// there or was written for this folder.
    ///
    /// # Errors
    /// The name is no plain name, or a file cannot be read.
    pub(crate) fn choose(job: &Job) -> anyhow::Result<Self> {
        if let Some(name) = &job.name {
            check(name)?;
            return Self::of(&job.params, name.clone());
        }
        let name = names::of_folder(&job.folder);
        let mut number = 1;
        loop {
            let numbered = if number == 1 {
                name.clone()
            } else {
                format!("{name}-{number}")
            };
            let target = Self::of(&job.params, numbered)?;
            let is_own = |existing: &Existing| {
                existing
                    .record
                    .as_ref()
                    .is_some_and(|record| record.folder == job.folder)
            };
            if target.existing.as_ref().is_none_or(is_own) {
                return Ok(target);
            }
            number += 1;
        }
    }

    fn of(folder: &Path, name: String) -> anyhow::Result<Self> {
        let path = folder.join(format!("{name}.toml"));
        let existing = if fs_err::symlink_metadata(&path).is_ok() {
            let text = fs_err::read_to_string(&path)?;
            Some(
                document::read(&text)
                    .with_context(|| format!("cannot read `params/{name}.toml`"))?,
            )
        } else {
            None
        };
        Ok(Self {
            name,
            path,
            existing,
        })
    }

    /// Path as typed in the workspace's root.
    pub(crate) fn shown(&self) -> String {
        format!("params/{}.toml", self.name)
    }
}

fn check(name: &str) -> anyhow::Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    ensure!(
        !name.is_empty() && name.chars().all(is_plain) && !name.starts_with('-'),
        "`--name {name}`: expected letters, digits, `-` and `_`, such as `--name {}`",
        names::safe(name)
    );
    Ok(())
}
