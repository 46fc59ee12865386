//! The record of an experiment, `.atelier/experiments/NAME/experiment.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ledger::FOLDER;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use workflow::params::Overrides;

use super::name;
use crate::error::{Error, Result};

/// The folder of experiments, in the runner's own.
const EXPERIMENTS: &str = "experiments";

const FILE: &str = "experiment.json";

/// An experiment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Experiment {
    /// The name of its folder.
    #[serde(skip)]
    pub name: String,
    /// Its state.
    pub state: Status,
    /// Settings, as typed: `table.key=value`.
    pub settings: Vec<String>,
    /// Its params files, from the workspace root where they are in it.
    pub files: Vec<PathBuf>,
    /// Stages, instances, output paths or patterns; all if none.
    pub targets: Vec<String>,
    /// All parameters, by dotted key. The record has each as a line of JSON.
    #[serde(with = "lines")]
    pub params: BTreeMap<String, Value>,
    /// Time of its first run, in milliseconds since 1970; 0 for one that is still to run.
    pub since_ms: u64,
}

/// State of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It runs, or was stopped.
    Unfinished,
    /// All of its targets are up to date.
    Complete,
    /// One of its stages failed.
    Failed,
}

impl Status {
    /// The state in one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::Unfinished => "unfinished",
            Status::Complete => "complete",
            Status::Failed => "failed",
        }
    }
}

/// The folder of an experiment, in the runner's own.
#[must_use]
pub fn folder_name(name: &str) -> PathBuf {
    Path::new(EXPERIMENTS).join(name)
}

/// The folder of an experiment.
fn folder(root: &Path, name: &str) -> PathBuf {
    root.join(FOLDER).join(folder_name(name))
}

impl Experiment {
    /// The experiment `name`; none where there is no such.
    ///
    /// # Errors
    /// Its record cannot be read.
    pub fn find(root: &Path, name: &str) -> Result<Option<Self>> {
        if name::check(name).is_err() {
            return Ok(None);
        }
        let path = folder(root, name).join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        match serde_json::from_slice::<Experiment>(&fs_err::read(&path)?) {
            Ok(experiment) => Ok(Some(Experiment {
                name: name.to_owned(),
                ..experiment
            })),
            Err(source) => Err(Error::ExperimentRecord {
                name: name.to_owned(),
                path,
                source,
            }),
        }
    }

    /// The experiment `name`.
    ///
    /// # Errors
    /// There is no such, or its record cannot be read.
    pub fn load(root: &Path, name: &str) -> Result<Self> {
        match Experiment::find(root, name)? {
            Some(experiment) => Ok(experiment),
            None => Err(Error::UnknownExperiment {
                name: name.to_owned(),
                hint: hint(root, name)?,
            }),
        }
    }

    /// Writes the record in one step, beside other processes that do the same.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save(&self, root: &Path) -> Result<()> {
        let folder = folder(root, &self.name);
        fs_err::create_dir_all(&folder)?;
        let text = serde_json::to_vec_pretty(self)?;
        Ok(store::write_whole(&folder.join(FILE), &text)?)
    }

    /// The keys of its settings.
    #[must_use]
    pub fn set_keys(&self) -> BTreeSet<String> {
        let settings = self.settings.iter();
        let keys = settings.filter_map(|setting| setting.split_once('='));
        keys.map(|(key, _)| key.trim().to_owned()).collect()
    }

    /// Its params files with its settings, wherever the command was started.
    #[must_use]
    pub fn overrides(&self, root: &Path) -> Overrides {
        Overrides {
            files: self.files.iter().map(|file| root.join(file)).collect(),
            settings: self.settings.clone(),
        }
    }
}

/// The names of all experiments, sorted. A folder with another name is none.
///
/// # Errors
/// A folder cannot be read.
pub fn names(root: &Path) -> Result<Vec<String>> {
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

/// All experiments, in the order of their first runs.
///
/// # Errors
/// A record cannot be read.
pub fn all(root: &Path) -> Result<Vec<Experiment>> {
    let mut experiments = Vec::new();
    for name in names(root)? {
        experiments.extend(Experiment::find(root, &name)?);
    }
    experiments.sort_by_key(|experiment| experiment.since_ms);
    Ok(experiments)
}

/// A clause with the nearest name, for an unknown one.
///
/// # Errors
/// A folder cannot be read.
pub fn hint(root: &Path, name: &str) -> Result<String> {
    let names = names(root)?;
    Ok(nearest_name::hint(name, names.iter().map(String::as_str)))
}

/// Values as lines of JSON, of which equal ones are equal texts. This is the one place where they are text.
mod lines {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};
    use serde_json::Value;
    use workflow::json::canonical;
    use workflow::params::read_canonical;

    pub(super) fn serialize<S: Serializer>(
        values: &BTreeMap<String, Value>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(values.iter().map(|(key, value)| (key, canonical(value))))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Value>, D::Error> {
        let lines = BTreeMap::<String, String>::deserialize(deserializer)?;
        let values = lines.into_iter();
        Ok(values
            .map(|(key, line)| (key, read_canonical(&line)))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn experiment(name: &str, since_ms: u64) -> Experiment {
        let values = [
            ("train.lr", json!(0.1 + 0.2)),
            ("train.epochs", json!(3)),
            ("train.name", json!("a \"b\"")),
            ("train.sizes", json!([1.0, 2.5e-7])),
            ("authors", json!({})),
        ];
        Experiment {
            name: name.to_owned(),
            state: Status::Unfinished,
            settings: vec!["train.lr = 0.3".to_owned()],
            files: vec!["params/demo.toml".into()],
            targets: Vec::new(),
            params: { values.into_iter() }
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
            since_ms,
        }
    }

    #[test]
    fn values_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        experiment("late", 2).save(root).unwrap();
        experiment("early", 1).save(root).unwrap();
        let read = Experiment::load(root, "late").unwrap();
        assert_eq!(read.params, experiment("late", 2).params);
        assert_eq!(read.set_keys(), BTreeSet::from(["train.lr".to_owned()]));
        let text = fs_err::read_to_string(super::folder(root, "late").join(FILE)).unwrap();
        assert!(
            text.contains(r#""train.lr": "0.30000000000000004""#),
            "{text}"
        );
        let names = all(root).unwrap().into_iter();
        assert!(
            names
                .map(|experiment| experiment.name)
                .eq(["early", "late"])
        );
        assert_eq!(super::names(root).unwrap(), ["early", "late"]);
    }

    #[test]
    fn an_unknown_name_has_a_hint_and_a_broken_record_a_cure() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        experiment("slow", 1).save(root).unwrap();
        let error = Experiment::load(root, "slew").unwrap_err().to_string();
        assert_eq!(error, "there is no experiment `slew`; did you mean `slow`?");
        fs_err::write(super::folder(root, "slow").join(FILE), "{").unwrap();
        let error = Experiment::find(root, "slow").unwrap_err().to_string();
        assert!(
            error.ends_with("(`atelier exp remove slow` removes the experiment)"),
            "{error}"
        );
        assert!(Experiment::find(root, "../slow").unwrap().is_none());
    }
}
