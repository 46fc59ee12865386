//! `studies/NAME.toml`: what a study searches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use search::{Assignment, Domain, MedianPruner, Method, Search, Space};
use serde::Deserialize;
use workflow::params;

/// The folder of the declarations.
const FOLDER: &str = "studies";

/// A study of the workspace.
pub(crate) struct Study {
    pub(crate) root: PathBuf,
    pub(crate) name: String,
    pub(crate) declared: Declared,
}

/// The file's content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declared {
    /// The stage that scores: each instance writes one number, and a trial's score is their median.
    pub(crate) score: String,
    /// How many trials there are.
    pub(crate) trials: usize,
    /// How the next trial is found.
    method: Method,
    /// The seed of the search.
    #[serde(default)]
    seed: u64,
    /// Files whose values stand in for those of `params.toml`, from the workspace root.
    #[serde(default)]
    pub(crate) params: Vec<PathBuf>,
    /// What else is set where a parameter has a value, by parameter and value.
    #[serde(default)]
    follow: BTreeMap<String, BTreeMap<String, Assignment>>,
    /// When a trial is stopped; never if not given.
    pub(crate) pruner: Option<MedianPruner>,
    /// What may vary, by dotted key of `params.toml`.
    space: Space,
}

impl Study {
    /// Reads the study `name`.
    pub(crate) fn load(root: &Path, name: &str) -> anyhow::Result<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        ensure!(
            !name.is_empty() && name.chars().all(is_plain),
            "`{name}` is no name of a study: expected letters, digits, `-` and `_`"
        );
        let file = format!("{FOLDER}/{name}.toml");
        let path = root.join(&file);
        if !path.is_file() {
            let known = names(root)?;
            let known = match known.len() {
                0 => String::new(),
                _ => format!("; there are `{}`", known.join("`, `")),
            };
            anyhow::bail!("there is no study `{name}`: `{file}` does not exist{known}");
        }
        let value = params::read_toml(&path, &file)?;
        let declared =
            serde_json::from_value(value).with_context(|| format!("cannot use `{file}`"))?;
        Ok(Self {
            root: root.to_owned(),
            name: name.to_owned(),
            declared,
        })
    }

    /// The parameters that are chosen from a list of values.
    pub(crate) fn choices(&self) -> Vec<&str> {
        let params = self.declared.space.params().iter();
        let choices = params.filter(|param| matches!(param.domain, Domain::Choice(_)));
        choices.map(|param| param.name.as_str()).collect()
    }

    /// The search that it is.
    pub(crate) fn search(&self) -> Search {
        Search {
            space: self.declared.space.clone(),
            method: self.declared.method,
            seed: self.declared.seed,
        }
    }

    /// What a trial of `params` sets: these, and what follows from them.
    pub(crate) fn settings(&self, params: &Assignment) -> Assignment {
        let mut settings = params.clone();
        for (param, value) in params {
            let follows = self.declared.follow.get(param);
            let follows = follows.and_then(|follows| follows.get(&value.to_string()));
            settings.extend(follows.cloned().unwrap_or_default());
        }
        settings
    }

    /// Its params files, wherever the command was started.
    pub(crate) fn params_files(&self) -> impl Iterator<Item = PathBuf> {
        let files = self.declared.params.iter();
        files.map(|file| self.root.join(file))
    }
}

/// The studies that are declared, sorted.
pub(crate) fn names(root: &Path) -> anyhow::Result<Vec<String>> {
    let folder = root.join(FOLDER);
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
