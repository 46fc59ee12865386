//! Running experiments.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use pipeline::Workspace;
use pipeline::execute::{self, Options};
use workflow::declaration::Declaration;
use workflow::graph::Reach;
use workflow::params::{Overrides, Params, read_values};

use super::record::{Experiment, State, folder_name};
use super::{changes, name};
use crate::live::Live;
use crate::{cli, print};

/// Runs what is asked for, one experiment after the other. A failed one doesn't stop the others.
pub(crate) fn run(root: &Path, arguments: &cli::ExpRun) -> anyhow::Result<ExitCode> {
    let files = arguments.params.files.iter();
    let files = files.map(|file| from_root(root, file));
    let asked = Asked {
        root,
        files: files.collect::<anyhow::Result<_>>()?,
        config: Declaration::load(root)?,
        arguments,
    };
    let current = asked.params(Vec::new())?;
    let mut has_failed = false;
    for experiment in asked.experiments()? {
        if arguments.dry_run || !arguments.quiet {
            let changes = changes(&experiment, &current);
            print::text(&format!("{}  {changes}\n", experiment.name))?;
        }
        if arguments.dry_run {
            continue;
        }
        let state = run_one(root, experiment, arguments)?;
        has_failed |= state == State::Failed;
        if !arguments.quiet {
            print::text(&format!("  {}\n", state.name()))?;
        }
    }
    Ok(ExitCode::from(u8::from(has_failed)))
}

/// A path as a record has it: from the workspace root, if it is in there.
fn from_root(root: &Path, file: &Path) -> anyhow::Result<PathBuf> {
    let file = fs_err::canonicalize(file)?;
    Ok(file.strip_prefix(root).map_or(file.clone(), Path::to_owned))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

/// What is asked for.
struct Asked<'a> {
    root: &'a Path,
    /// Params files, from the root.
    files: Vec<PathBuf>,
    config: Declaration,
    arguments: &'a cli::ExpRun,
}

/// Keys with their values, as they are typed.
type Settings = Vec<(String, String)>;

impl Asked<'_> {
    /// The experiments, each once. Nothing is written yet, so that a typo leaves nothing behind.
    fn experiments(&self) -> anyhow::Result<Vec<Experiment>> {
        let mut experiments: Vec<Experiment> = Vec::new();
        for chosen in product(&self.arguments.grids)? {
            let draft = self.draft(&chosen)?;
            if !experiments.iter().any(|known| known.params == draft.params) {
                experiments.push(self.named(&draft, &chosen, &experiments)?);
            }
        }
        Ok(experiments)
    }

    fn params(&self, settings: Vec<String>) -> anyhow::Result<Params> {
        let overrides = Overrides {
            files: self.files.iter().map(|file| self.root.join(file)).collect(),
            settings,
        };
        Ok(Params::load(self.root, &self.config, &overrides)?)
    }

    /// The experiment of a combination of the grids' values, without a name.
    fn draft(&self, chosen: &Settings) -> anyhow::Result<Experiment> {
        let mut settings = self.arguments.params.settings.clone();
        settings.extend(chosen.iter().map(|(key, value)| format!("{key}={value}")));
        let params = self.params(settings.clone())?;
        Ok(Experiment {
            name: String::new(),
            state: State::Unfinished,
            settings,
            files: self.files.clone(),
            targets: self.arguments.targets.clone(),
            params: params.leaves(),
            since_ms: 0,
        })
    }

    /// The experiment under the name that the user gives it, else under one of what it sets, with a number behind it where
    /// another experiment has that.
    fn named(
        &self,
        draft: &Experiment,
        chosen: &Settings,
        others: &[Experiment],
    ) -> anyhow::Result<Experiment> {
        if let Some(given) = &self.arguments.name {
            let name = match chosen.as_slice() {
                [] => given.clone(),
                chosen => format!("{given}-{}", name::of_settings(chosen)),
            };
            let fitting = self.fitting(&name, draft, others)?;
            return fitting.with_context(|| {
                format!(
                    "experiment `{name}` has other parameters: take another name, or remove it by `cargo xtask exp remove {name}`"
                )
            });
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
    ) -> anyhow::Result<Option<Experiment>> {
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
fn product(grids: &[String]) -> anyhow::Result<Vec<Settings>> {
    let mut product = vec![Vec::new()];
    for grid in grids {
        let (key, values) = grid.split_once('=').with_context(|| {
            format!("cannot read `--grid {grid}`: expected `table.key=value,…`")
        })?;
        let values = grid_values(values);
        if values.is_empty() {
            bail!("`--grid {grid}` has no values");
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

/// The values of a grid: those of a list in TOML, else what stands between commas.
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

/// Brings an experiment up to date. What cannot be run at all leaves no record.
fn run_one(
    root: &Path,
    mut experiment: Experiment,
    arguments: &cli::ExpRun,
) -> anyhow::Result<State> {
    let overrides = Overrides {
        files: experiment.params_files(root),
        settings: experiment.settings.clone(),
    };
    let folder = folder_name(&experiment.name);
    let mut workspace = Workspace::open_aside(root.to_owned(), &overrides, &folder)?;
    let graph = &workspace.workflow.graph;
    let selection = graph.select(
        &workspace.workflow.root,
        &arguments.targets,
        Reach::Upstream,
    )?;
    if experiment.since_ms == 0 {
        experiment.since_ms = now_ms();
    }
    experiment.save(root)?;
    let options = Options {
        jobs: arguments.jobs,
        sandbox: arguments.confine.sandbox(),
        ..Options::default()
    };
    let mut live = Live::new(arguments.quiet, false);
    let ran = execute::repro(&mut workspace, &selection, options, &mut live);
    live.end();
    experiment.state = match ran {
        Ok(_) => State::Complete,
        Err(error) if error.is_of_stage() => {
            print::error(&error.to_string());
            State::Failed
        }
        Err(error) => return Err(error.into()),
    };
    experiment.save(root)?;
    Ok(experiment.state)
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
}
