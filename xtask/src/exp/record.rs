//! What is known of an experiment, in `.atelier/experiments/NAME/experiment.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use pipeline::ledger::FOLDER;
use serde::{Deserialize, Serialize};

use super::name;

/// The folder of experiments, in the runner's own.
const EXPERIMENTS: &str = "experiments";

const FILE: &str = "experiment.json";

/// An experiment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Experiment {
    /// The name of its folder.
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) state: State,
    /// What was set for it.
    pub(crate) settings: Vec<String>,
    /// Its params files, from the workspace root where they are in it.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) targets: Vec<String>,
    /// All parameters: dotted keys with values as JSON.
    pub(crate) params: BTreeMap<String, String>,
    /// When it first ran, in milliseconds since 1970; 0 for one that is still to run.
    pub(crate) since_ms: u64,
}

/// How far an experiment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// It runs, or was stopped.
    Unfinished,
    Complete,
    Failed,
}

impl State {
    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            State::Unfinished => "unfinished",
            State::Complete => "complete",
            State::Failed => "failed",
        }
    }
}

/// The folder of an experiment, in the runner's own.
pub(crate) fn folder_name(name: &str) -> PathBuf {
    Path::new(EXPERIMENTS).join(name)
}

/// The folder of an experiment.
pub(crate) fn folder(root: &Path, name: &str) -> PathBuf {
    root.join(FOLDER).join(folder_name(name))
}

impl Experiment {
    /// The experiment `name`; none where there is no such.
    pub(crate) fn find(root: &Path, name: &str) -> anyhow::Result<Option<Self>> {
        if name::check(name).is_err() {
            return Ok(None);
        }
        let path = folder(root, name).join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let read = serde_json::from_slice::<Experiment>(&fs_err::read(&path)?);
        let mut experiment = read.with_context(|| {
            format!(
                "cannot read `{}` (`cargo xtask exp remove {name}` removes the experiment)",
                path.display()
            )
        })?;
        experiment.name = name.to_owned();
        Ok(Some(experiment))
    }

    /// The experiment `name`.
    pub(crate) fn load(root: &Path, name: &str) -> anyhow::Result<Self> {
        match Experiment::find(root, name)? {
            Some(experiment) => Ok(experiment),
            None => bail!("there is no experiment `{name}`{}", hint(root, name)?),
        }
    }

    /// Writes the record in one step, beside other processes that do the same.
    pub(crate) fn save(&self, root: &Path) -> anyhow::Result<()> {
        let folder = folder(root, &self.name);
        fs_err::create_dir_all(&folder)?;
        let aside = folder.join(format!("{FILE}.{}.part", std::process::id()));
        fs_err::write(&aside, serde_json::to_vec_pretty(self)?)?;
        Ok(fs_err::rename(aside, folder.join(FILE))?)
    }

    /// The keys of what was set for it.
    pub(crate) fn set_keys(&self) -> BTreeSet<String> {
        let settings = self.settings.iter();
        let keys = settings.filter_map(|setting| setting.split_once('='));
        keys.map(|(key, _)| key.trim().to_owned()).collect()
    }

    /// Its params files, wherever the command was started.
    pub(crate) fn params_files(&self, root: &Path) -> Vec<PathBuf> {
        self.files.iter().map(|file| root.join(file)).collect()
    }
}

/// The names of all experiments, sorted. A folder with another name is none.
pub(crate) fn names(root: &Path) -> anyhow::Result<Vec<String>> {
    let experiments = root.join(FOLDER).join(EXPERIMENTS);
    let mut names = Vec::new();
    if experiments.is_dir() {
        for entry in fs_err::read_dir(experiments)? {
            let name = entry?.file_name().into_string();
            names.extend(name.ok().filter(|name| name::check(name).is_ok()));
        }
    }
    names.sort();
    Ok(names)
}

/// All experiments, the first first.
pub(crate) fn all(root: &Path) -> anyhow::Result<Vec<Experiment>> {
    let mut experiments = Vec::new();
    for name in names(root)? {
        experiments.extend(Experiment::find(root, &name)?);
    }
    experiments.sort_by_key(|experiment| experiment.since_ms);
    Ok(experiments)
}

/// A clause with the name that was meant, for an unknown one.
pub(crate) fn hint(root: &Path, name: &str) -> anyhow::Result<String> {
    let names = names(root)?;
    Ok(nearest_name::hint(name, names.iter().map(String::as_str)))
}
