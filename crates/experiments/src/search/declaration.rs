//! `searches/NAME.toml`: the declaration of a search.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ::search::{Assignment, Domain, MedianPruner, Method, Search, Space};
use ledger::states::{self, FORMER_SEARCHES};
use serde::Deserialize;
use workflow::params;

use super::score::Score;
use crate::error::{Error, Result};

/// The folder of the declarations.
const FOLDER: &str = states::SEARCHES;

/// A search of the workspace.
#[derive(Debug)]
pub struct SearchFile {
    /// The workspace's root.
    pub root: PathBuf,
    /// Name of the search, and of its file.
    pub name: String,
    /// The file's content.
    pub declaration: Declaration,
}

/// The content of a search's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// The metric that scores: a trial's score is its median over the stage's instances.
    pub score: Score,
    /// Number of trials.
    pub trials: usize,
    /// The sampler.
    method: Method,
    /// The seed of the search.
    #[serde(default)]
    seed: u64,
    /// Files whose values stand in for those of `params.toml`, from the workspace root.
    #[serde(default)]
    pub params: Vec<PathBuf>,
    /// Further settings where a parameter has a value, by parameter and value.
    #[serde(default)]
    follow: BTreeMap<String, BTreeMap<String, Assignment>>,
    /// When a trial is stopped; never if not given.
    pub pruner: Option<MedianPruner>,
    /// The parameters that vary, by dotted key of `params.toml`.
    space: Space,
}

impl SearchFile {
    /// Reads the declaration of the search `name`.
    ///
    /// # Errors
    /// There is no such search, or its file has mistakes.
    pub fn load(root: &Path, name: &str) -> Result<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err(Error::SearchName(name.to_owned()));
        }
        let file = format!("{FOLDER}/{name}.toml");
        let path = root.join(&file);
        states::check_names(root)?;
        if !path.is_file() {
            return Err(Error::UnknownSearch {
                name: name.to_owned(),
                file,
                known: names(root)?,
            });
        }
        let value = params::read_toml(&path, &file)?;
        match serde_json::from_value(value) {
            Ok(declaration) => Ok(Self {
                root: root.to_owned(),
                name: name.to_owned(),
                declaration,
            }),
            Err(source) => Err(Error::Declaration { file, source }),
        }
    }

    /// The parameters that are chosen from a list of values.
    #[must_use]
    pub fn choices(&self) -> Vec<&str> {
        let params = self.declaration.space.params().iter();
        let choices = params.filter(|param| matches!(param.domain, Domain::Choice(_)));
        choices.map(|param| param.name.as_str()).collect()
    }

    /// Space, sampler and seed.
    #[must_use]
    pub fn search(&self) -> Search {
        Search {
            space: self.declaration.space.clone(),
            method: self.declaration.method,
            seed: self.declaration.seed,
        }
    }

    /// The settings of a trial of `params`: these, and those that follow from them.
    #[must_use]
    pub fn settings(&self, params: &Assignment) -> Assignment {
        let mut settings = params.clone();
        for (param, value) in params {
            let follows = self.declaration.follow.get(param);
            let follows = follows.and_then(|follows| follows.get(&value.to_string()));
            settings.extend(follows.cloned().unwrap_or_default());
        }
        settings
    }

    /// Its params files, wherever the command was started.
    pub fn params_files(&self) -> impl Iterator<Item = PathBuf> {
        let files = self.declaration.params.iter();
        files.map(|file| self.root.join(file))
    }

    /// The folder of its record and of the state of its trials.
    pub(super) fn folder(&self) -> PathBuf {
        self.root.join(ledger::FOLDER).join(self.folder_name())
    }

    /// The same in the runner's own folder.
    pub(super) fn folder_name(&self) -> PathBuf {
        Path::new(FOLDER).join(&self.name)
    }
}

/// The names of the searches that are declared, sorted.
///
/// # Errors
/// A folder cannot be read.
pub fn names(root: &Path) -> Result<Vec<String>> {
    if !root.join(FOLDER).is_dir() && !names_in(&root.join(FORMER_SEARCHES))?.is_empty() {
        return Err(Error::from(ledger::Error::FormerFolder {
            former: FORMER_SEARCHES.to_owned(),
            folder: FOLDER.to_owned(),
        }));
    }
    names_in(&root.join(FOLDER))
}

/// Names of the TOML files in `folder`, sorted.
fn names_in(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    if folder.is_dir() {
        for entry in fs_err::read_dir(folder)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                names.extend(
                    path.file_stem()
                        .map(|stem| stem.to_string_lossy().into_owned()),
                );
            }
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(folders: &[&str]) -> String {
        let root = tempfile::tempdir().unwrap();
        for folder in folders {
            let folder = root.path().join(folder);
            fs_err::create_dir_all(&folder).unwrap();
            fs_err::write(folder.join("lr.toml"), "").unwrap();
        }
        SearchFile::load(root.path(), "depth")
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn folders_under_a_former_name_are_errors() {
        assert_eq!(
            load(&["studies"]),
            "`studies` is called `searches` now: rename it by `mv studies searches`"
        );
        assert!(load(&["searches", ".atelier/studies"]).starts_with("`.atelier/studies` is"));
        assert_eq!(
            load(&["searches", "studies"]),
            "there is no search `depth`: `searches/depth.toml` does not exist; there are `lr`"
        );
    }
}
