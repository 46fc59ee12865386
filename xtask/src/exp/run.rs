//! Running experiments.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use pipeline::Workspace;
use pipeline::execute::{self, Options};
use pipeline::graph::Reach;
use pipeline::params::{Overrides, Params, read_values};

use super::record::{Experiment, State, folder_name};
use super::{changes, name};
use crate::live::Live;
use crate::{cli, print};

/// Runs what is asked for, one experiment after the other. A failed one doesn't stop the others.
pub(crate) fn run(root: &Path, arguments: &cli::ExpRun) -> anyhow::Result<ExitCode> {
    let files = { arguments.params.files.iter() }.map(|file| from_root(root, file));
    let files: Vec<PathBuf> = files.collect::<anyhow::Result<_>>()?;
    let current = Params::load(
        root,
        &Overrides {
            files: files.iter().map(|file| root.join(file)).collect(),
            settings: Vec::new(),
        },
    )?;
    let mut has_failed = false;
    let experiments = experiments(root, &files, arguments)?;
    for experiment in &experiments {
        if arguments.dry_run || !arguments.quiet {
            let changes = changes(experiment, &current);
            print::text(&format!("{}  {changes}\n", experiment.name))?;
        }
        if arguments.dry_run {
            continue;
        }
        let state = run_one(root, experiment.clone(), arguments)?;
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

/// The experiments that are asked for, each once. Nothing is written yet, so that a typo leaves nothing behind.
fn experiments(
    root: &Path,
    files: &[PathBuf],
    arguments: &cli::ExpRun,
) -> anyhow::Result<Vec<Experiment>> {
    let mut experiments: Vec<Experiment> = Vec::new();
    for chosen in product(&arguments.grids)? {
        let settings: Vec<String> = { arguments.params.settings.iter().cloned() }
            .chain(chosen.iter().map(|(key, value)| format!("{key}={value}")))
            .collect();
        let overrides = Overrides {
            files: files.iter().map(|file| root.join(file)).collect(),
            settings: settings.clone(),
        };
        let params = Params::load(root, &overrides)?.leaves();
        let named = match &arguments.name {
            Some(name) => Named::Given(with_values(name, &chosen)),
            None => Named::Default(name::of_settings(
                &{ settings.iter() }
                    .filter_map(|setting| setting.split_once('='))
                    .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
                    .collect::<Vec<_>>(),
            )),
        };
        let draft = Experiment {
            name: String::new(),
            state: State::Unfinished,
            settings,
            files: files.to_owned(),
            targets: arguments.targets.clone(),
            params,
            since_ms: 0,
        };
        if !experiments.iter().any(|known| known.params == draft.params) {
            experiments.push(named.give(root, draft, &experiments)?);
        }
    }
    Ok(experiments)
}

/// `slow-lr-0.001` for an experiment of a grid.
fn with_values(name: &str, chosen: &[(String, String)]) -> String {
    if chosen.is_empty() {
        return name.to_owned();
    }
    format!("{name}-{}", name::of_settings(chosen))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

/// How an experiment gets its name.
enum Named {
    Given(String),
    /// With a number behind it where another experiment has it.
    Default(String),
}

impl Named {
    /// The experiment with its name: one with the same parameters is the same experiment.
    fn give(
        self,
        root: &Path,
        draft: Experiment,
        others: &[Experiment],
    ) -> anyhow::Result<Experiment> {
        let (name, is_given) = match self {
            Named::Given(name) => (name, true),
            Named::Default(name) => (name, false),
        };
        let mut candidate = name.clone();
        for number in 2.. {
            name::check(&candidate)?;
            let is_new = others.iter().all(|other| other.name != candidate);
            match Experiment::find(root, &candidate)? {
                None if is_new => {
                    return Ok(Experiment {
                        name: candidate,
                        ..draft
                    });
                }
                Some(known) if is_new && known.params == draft.params => {
                    return Ok(Experiment {
                        name: candidate,
                        since_ms: known.since_ms,
                        ..draft
                    });
                }
                _ if is_given => bail!(
                    "experiment `{candidate}` has other parameters: take another name, or remove it by `cargo xtask exp remove {candidate}`"
                ),
                _ => candidate = format!("{name}-{number}"),
            }
        }
        bail!("no name is left for `{name}`")
    }
}

/// Each combination of the grids' values; one empty combination for no grid.
fn product(grids: &[String]) -> anyhow::Result<Vec<Vec<(String, String)>>> {
    let mut product = vec![Vec::new()];
    for grid in grids {
        let (key, values) = grid.split_once('=').with_context(|| {
            format!("cannot read `--grid {grid}`: expected `table.key=value,…`")
        })?;
        let values = grid_values(values);
        if values.is_empty() {
            bail!("`--grid {grid}` has no values");
        }
        let longer = product.iter().flat_map(|chosen: &Vec<(String, String)>| {
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
    let graph = &workspace.graph;
    let selection = graph.select(&workspace.root, &arguments.targets, Reach::Upstream)?;
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
