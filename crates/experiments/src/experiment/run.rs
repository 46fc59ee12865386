//! Running experiments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use runner::execute::Options;
use serde_json::Value;
use workflow::declaration::Declaration;
use workflow::graph::Reach;
use workflow::params::{Overrides, Params, read_values};

use super::name;
use super::record::{Experiment, Status, folder_name};
use crate::error::{Error, Result};
use crate::repro::Repro;
use crate::state;

/// A request of experiments: one, or one for each combination of the grids' values.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Stages, instances, output paths or patterns; all if none.
    pub targets: Vec<String>,
    /// Params files.
    pub files: Vec<PathBuf>,
    /// `table.key=value`.
    pub settings: Vec<String>,
    /// `table.key=value,…`.
    pub grids: Vec<String>,
    /// Name of the experiment; with grids, the beginning of their names.
    pub name: Option<String>,
}

/// An experiment to run.
#[derive(Debug)]
pub struct PlannedExperiment {
    /// Its record.
    pub experiment: Experiment,
    /// The values that differ from those of the workspace with the same params files.
    pub changes: BTreeMap<String, Value>,
}

/// The experiments of a request, each once. Nothing is written yet, so that a typo leaves nothing behind.
///
/// # Errors
/// A grid, a setting, a name or a params file is wrong, or an experiment of the name has other parameters.
pub fn plan(root: &Path, request: &Request) -> Result<Vec<PlannedExperiment>> {
    let files = request.files.iter().map(|file| from_root(root, file));
    let planner = Planner {
        root,
        files: files.collect::<Result<_>>()?,
        declaration: Declaration::load(root)?,
        request,
    };
    let current = planner.params(Vec::new())?.leaves();
    let experiments = planner.experiments()?.into_iter();
    let planned = experiments.map(|experiment| {
        let params = experiment.params.iter();
        let changed = params.filter(|(key, value)| current.get(*key) != Some(value));
        PlannedExperiment {
            changes: changed
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            experiment,
        }
    });
    Ok(planned.collect())
}

/// A path as a record has it: from the workspace root, if it is in there.
fn from_root(root: &Path, file: &Path) -> Result<PathBuf> {
    let file = fs_err::canonicalize(file)?;
    Ok(file.strip_prefix(root).map_or(file.clone(), Path::to_owned))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

struct Planner<'a> {
    root: &'a Path,
    /// Params files, from the root.
    files: Vec<PathBuf>,
    declaration: Declaration,
    request: &'a Request,
}

/// Keys with their values, as they are typed.
type Settings = Vec<(String, String)>;

impl Planner<'_> {
    /// The experiments, each once.
    fn experiments(&self) -> Result<Vec<Experiment>> {
        let mut experiments: Vec<Experiment> = Vec::new();
        for chosen in product(&self.request.grids)? {
            let draft = self.draft(&chosen)?;
            if !experiments.iter().any(|known| known.params == draft.params) {
                experiments.push(self.named(&draft, &chosen, &experiments)?);
            }
        }
        Ok(experiments)
    }

    fn params(&self, settings: Vec<String>) -> Result<Params> {
        let overrides = Overrides {
            files: self.files.iter().map(|file| self.root.join(file)).collect(),
            settings,
        };
        Ok(Params::load(self.root, &self.declaration, &overrides)?)
    }

    /// The experiment of a combination of the grids' values, without a name.
    fn draft(&self, chosen: &Settings) -> Result<Experiment> {
        let mut settings = self.request.settings.clone();
        settings.extend(chosen.iter().map(|(key, value)| format!("{key}={value}")));
        let params = self.params(settings.clone())?;
        Ok(Experiment {
            name: String::new(),
            state: Status::Unfinished,
            settings,
            files: self.files.clone(),
            targets: self.request.targets.clone(),
            params: params.leaves(),
            since_ms: 0,
        })
    }

    /// The experiment under the name that the user gives it, else under one made from its settings, with a number behind it where
    /// another experiment has that.
    fn named(
        &self,
        draft: &Experiment,
        chosen: &Settings,
        others: &[Experiment],
    ) -> Result<Experiment> {
        if let Some(given) = &self.request.name {
            let name = match chosen.as_slice() {
                [] => given.clone(),
                chosen => format!("{given}-{}", name::of_settings(chosen)),
            };
            let fitting = self.fitting(&name, draft, others)?;
            return fitting.ok_or(Error::OtherParams(name));
        }
        let settings = draft.settings.iter();
        let settings = settings.filter_map(|setting| setting.split_once('='));
        let settings =
            settings.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
        let plain = name::of_settings(&settings.collect::<Settings>());
        let (mut name, mut number) = (plain.clone(), 1);
        loop {
            if let Some(experiment) = self.fitting(&name, draft, others)? {
                return Ok(experiment);
            }
            number += 1;
            name = format!("{plain}-{number}");
        }
    }

    /// The experiment under a name, if that is free, or that of an experiment with the same parameters, which goes on.
    fn fitting(
        &self,
        name: &str,
        draft: &Experiment,
        others: &[Experiment],
    ) -> Result<Option<Experiment>> {
        name::check(name)?;
        if others.iter().any(|other| other.name == name) {
            return Ok(None);
        }
        let known = Experiment::find(self.root, name)?;
        let since_ms = known.as_ref().map_or(0, |known| known.since_ms);
        let is_same = known.is_none_or(|known| known.params == draft.params);
        Ok(is_same.then(|| Experiment {
            name: name.to_owned(),
            since_ms,
            ..draft.clone()
        }))
    }
}

/// Each combination of the grids' values; one empty combination for no grid.
fn product(grids: &[String]) -> Result<Vec<Settings>> {
    let mut product = vec![Vec::new()];
    for grid in grids {
        let Some((key, values)) = grid.split_once('=') else {
            return Err(Error::Grid(grid.clone()));
        };
        let values = grid_values(values);
        if values.is_empty() {
            return Err(Error::EmptyGrid(grid.clone()));
        }
        let longer = product.iter().flat_map(|chosen: &Settings| {
            values.iter().map(|value| {
                let this = (key.trim().to_owned(), value.clone());
                chosen.iter().cloned().chain([this]).collect()
            })
        });
        product = longer.collect();
    }
    Ok(product)
}

/// The values of a grid: those of a list in TOML, else the texts between commas.
fn grid_values(text: &str) -> Vec<String> {
    let plain = { text.split(',') }.map(|value| value.trim().to_owned());
    let plain: Vec<String> = plain.filter(|value| !value.is_empty()).collect();
    match read_values(text) {
        // As they were typed, they make better names.
        Some(values) if values.len() != plain.len() => {
            values.iter().map(ToString::to_string).collect()
        }
        _ => plain,
    }
}

/// The end of an experiment's run.
#[derive(Debug)]
pub struct ExperimentOutcome {
    /// State of the experiment.
    pub state: Status,
    /// The failure of a stage.
    pub failure: Option<runner::Error>,
}

/// Brings an experiment up to date. One that cannot be run at all leaves no record.
///
/// # Errors
/// The run fails for another reason than a stage's failure, or the record cannot be written.
pub fn run(
    root: &Path,
    mut experiment: Experiment,
    options: Options,
    repro: &mut Repro<'_>,
) -> Result<ExperimentOutcome> {
    let folder = folder_name(&experiment.name);
    let overrides = experiment.overrides(root);
    let mut workspace = state::open(root.to_owned(), &overrides, &folder)?;
    let graph = &workspace.workflow.graph;
    let selection = graph.select(
        &workspace.workflow.root,
        &experiment.targets,
        Reach::Upstream,
    )?;
    if experiment.since_ms == 0 {
        experiment.since_ms = now_ms();
    }
    experiment.save(root)?;
    let failure = match repro(&mut workspace, &selection, options) {
        Ok(_) => None,
        Err(error) if error.is_of_stage() => Some(error),
        Err(error) => return Err(error.into()),
    };
    experiment.state = match failure {
        Some(_) => Status::Failed,
        None => Status::Complete,
    };
    experiment.save(root)?;
    Ok(ExperimentOutcome {
        state: experiment.state,
        failure,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_make_a_product() {
        let grids = ["a.x=1,2", "b=\"p,q\",r"].map(str::to_owned);
        let product = product(&grids).unwrap();
        let shown: Vec<String> = { product.iter() }
            .map(|chosen| {
                let texts = chosen.iter().map(|(key, value)| format!("{key}={value}"));
                texts.collect::<Vec<_>>().join(" ")
            })
            .collect();
        assert_eq!(shown.len(), 6, "{shown:?}");
        assert_eq!(super::product(&[]).unwrap(), [vec![]]);
        assert!(super::product(&["a".to_owned()]).is_err());
        assert!(super::product(&["a=,".to_owned()]).is_err());
    }

    #[test]
    fn values_with_commas_are_those_of_toml() {
        assert_eq!(grid_values("1e-3, 0.1"), ["1e-3", "0.1"]);
        assert_eq!(grid_values("adam,sgd"), ["adam", "sgd"]);
        assert_eq!(grid_values("[1, 2], [3]"), ["[1,2]", "[3]"]);
        assert_eq!(grid_values("\"a,b\", \"c\""), ["\"a,b\"", "\"c\""]);
    }

    /// A workspace of one stage that fails.
    fn workspace(folder: &Path) -> PathBuf {
        let pipeline = "[stage.a]\ncmd = \"false ${chain.rate} > ${out.x}\"\nout = { x = \"x\" }\n";
        fs_err::write(folder.join("pipeline.toml"), pipeline).unwrap();
        let params = "[chain]\nrate = 0.5\nletter = \"x\"\n";
        fs_err::write(folder.join("params.toml"), params).unwrap();
        fs_err::canonicalize(folder).unwrap()
    }

    #[test]
    fn equal_experiments_are_planned_once_and_names_say_what_is_set() {
        let folder = tempfile::tempdir().unwrap();
        let root = workspace(folder.path());
        let request = Request {
            grids: vec!["chain.rate=0.1,0.10,0.5".to_owned()],
            ..Request::default()
        };
        let planned = plan(&root, &request).unwrap();
        let names = planned.iter().map(|planned| &planned.experiment.name);
        assert!(names.eq(["rate-0.1", "rate-0.5"]));
        let changes: Vec<usize> = { planned.iter() }
            .map(|planned| planned.changes.len())
            .collect();
        assert_eq!(changes, [1, 0]);
        let unknown = Request {
            settings: vec!["chain.rote=1".to_owned()],
            ..Request::default()
        };
        assert!(plan(&root, &unknown).is_err());
        assert!(!root.join(".atelier").exists());
    }

    #[test]
    fn the_record_has_the_outcome_of_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let root = workspace(folder.path());
        let request = Request {
            name: Some("mine".to_owned()),
            settings: vec!["chain.letter=y".to_owned()],
            ..Request::default()
        };
        let run = |repro: &mut Repro<'_>| {
            let planned = plan(&root, &request).unwrap().remove(0);
            run(&root, planned.experiment, Options::default(), repro)
        };
        let failing = runner::Error::StageFailed {
            stage: "a".to_owned(),
            status: "exit status: 1".to_owned(),
            report: String::new(),
            log: "a.log".to_owned(),
        };
        let mut failing = Some(failing);
        let ended = run(&mut |_, _, _| Err(failing.take().unwrap())).unwrap();
        assert!(ended.state == Status::Failed && ended.failure.is_some());
        let ended = run(&mut |workspace, _, _| {
            assert_eq!(workspace.workflow.params.leaves()["chain.letter"], "y");
            Ok(Vec::new())
        });
        assert_eq!(ended.unwrap().state, Status::Complete);
        let record = Experiment::load(&root, "mine").unwrap();
        assert_eq!(record.state, Status::Complete);
        let other = Request {
            name: request.name.clone(),
            ..Request::default()
        };
        let error = plan(&root, &other).unwrap_err().to_string();
        assert!(error.contains("by `atelier exp remove mine`"), "{error}");
    }
}
