//! Searches over the pipeline's parameters. A trial is a run of the pipeline with other parameters, so the cache is the
//! memory of a study: to continue is to ask again and to restore what was asked before.

mod declared;
mod record;
mod trial;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use pipeline::Sandbox;
use pipeline::ledger::FOLDER;
use pipeline::params_file;
use pipeline::workspace::{Access, Workspace, find_root};
use protocol::{Input, Job};
use search::{State, Trial};
use serde::Serialize;

use crate::cli;
use crate::print;
use declared::Study;
use workflow::declaration::Declaration;
use workflow::params::{self, Overrides};

/// The crate and binary that make a study's page and table.
const PAGE: &str = "report/search-page";

/// Parameters of the page.
#[derive(Serialize)]
struct PageParams<'a> {
    /// The study's name.
    name: &'a str,
    /// Name of the score of its trials.
    score: String,
    /// Parameters that are chosen from a list of values.
    choices: Vec<&'a str>,
}

pub(crate) fn run(command: cli::Study) -> anyhow::Result<()> {
    let here = env::current_dir().context("cannot tell the current folder")?;
    let root = find_root(&here)?;
    match command {
        cli::Study::Run {
            name,
            params,
            confine,
            quiet,
        } => search(
            &Study::load(&root, &name)?,
            params,
            confine.sandbox(),
            quiet,
        ),
        cli::Study::Show { name, html, json } => show(&Study::load(&root, &name)?, html, json),
        cli::Study::Apply { name, trial } => apply(&Study::load(&root, &name)?, trial),
        cli::Study::List => list(&root),
    }
}

/// Carries out all trials.
fn search(study: &Study, params: cli::Params, sandbox: Sandbox, quiet: bool) -> anyhow::Result<()> {
    let overrides = Overrides {
        files: { study.params_files() }.chain(params.files).collect(),
        settings: params.settings,
    };
    let search = study.search();
    record::begin(study)?;
    let mut told: Vec<Trial> = Vec::new();
    while told.len() < study.declared.trials {
        let Some(params) = search.ask(&told, 1)?.pop() else {
            break;
        };
        if !quiet {
            let settings = record::settings(&params);
            print::text(&format!("trial {}  {settings}\n", told.len()))?;
        }
        let runner = trial::Runner {
            study,
            overrides: &overrides,
            sandbox,
            quiet,
        };
        let trial = runner.run(params, &told)?;
        if !quiet {
            print::text(&format!("  {}\n", record::ending(&trial)))?;
        }
        told.push(trial);
        record::save(study, &told, false)?;
    }
    record::save(study, &told, true)?;
    if !quiet {
        print::text(&record::table(&told))?;
    }
    let mut workspace = Workspace::open(study.root.clone(), &overrides, Access::Write)?;
    if workspace.has_binary(PAGE)? {
        publish(study, &mut workspace, sandbox)?;
    }
    Ok(())
}

fn show(study: &Study, html: bool, json: bool) -> anyhow::Result<()> {
    let told = record::load(study)?;
    if json {
        return print::json(&told);
    }
    print::text(&record::table(&told))?;
    if let Some(trials) = record::read_unfinished(study)? {
        print::text(&format!(
            "a later run has come to {} trials, which take the place of these once they are as many\n",
            trials.len()
        ))?;
    }
    if html {
        let overrides = Overrides::default();
        let mut workspace = Workspace::open(study.root.clone(), &overrides, Access::Write)?;
        ensure!(
            workspace.has_binary(PAGE)?,
            "the workspace has no `{PAGE}` to make a page with"
        );
        publish(study, &mut workspace, Sandbox::default())?;
    }
    Ok(())
}

/// Makes the page and the table, by a binary that reads a job file as a stage does.
fn publish(study: &Study, workspace: &mut Workspace, sandbox: Sandbox) -> anyhow::Result<()> {
    let folder = study.root.join("artifacts/studies").join(&study.name);
    fs_err::create_dir_all(&folder)?;
    let page = folder.join("index.html");
    let params = PageParams {
        name: &study.name,
        score: format!("median {}", study.declared.score),
        choices: study.choices(),
    };
    let outputs = [
        ("trials", folder.join("trials.parquet")),
        ("page", page.clone()),
        ("figures", folder.join("figures")),
    ];
    let job = Job {
        inputs: BTreeMap::from([("trials".to_owned(), Input::One(record::path(study)))]),
        outputs: outputs.map(|(name, path)| (name.to_owned(), path)).into(),
        params: serde_json::to_value(params)?,
        scratch: study.folder().join("scratch"),
        stage: format!("study {}", study.name),
    };
    let status = workspace.run_tool(PAGE, None, &job, sandbox)?;
    ensure!(
        status.success(),
        "cannot make the page: `{PAGE}` ended with {status}"
    );
    let shown = page.strip_prefix(&study.root).unwrap_or(&page);
    print::text(&format!("page: {}\n", shown.display()))
}

/// Writes the parameters of a trial into the last of the study's params files, else into the file of those that hold by
/// default.
fn apply(study: &Study, number: Option<usize>) -> anyhow::Result<()> {
    let told = record::load(study)?;
    let number = match number {
        Some(number) => number,
        None => record::best(&told).context("no trial of the study has a score")?,
    };
    let trial = told.get(number);
    let trial = trial.with_context(|| format!("the study has {} trials", told.len()))?;
    if trial.state != State::Complete {
        bail!("trial {number} is {}, not complete", trial.state.name());
    }
    let file = study.declared.params.last().cloned();
    let file = match file {
        Some(file) => file,
        None => params::current_file(&Declaration::load(&study.root)?).to_owned(),
    };
    let settings = study.settings(&trial.params);
    let values = settings.iter().map(|(key, value)| {
        let value = serde_json::to_value(value).unwrap_or_default();
        (key.as_str(), value)
    });
    params_file::write(&study.root.join(&file), &file.display().to_string(), values)?;
    print::text(&format!(
        "{}: {}\n",
        file.display(),
        record::settings(&settings)
    ))
}

/// The studies, with how far each is.
fn list(root: &Path) -> anyhow::Result<()> {
    let names = declared::names(root)?;
    if names.is_empty() {
        return print::text("there is no study: declare one in studies/NAME.toml\n");
    }
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0);
    for name in names {
        let study = Study::load(root, &name)?;
        let told = record::read(&study)?.unwrap_or_default();
        let best = record::best(&told).and_then(|best| told[best].score);
        let best = best.map_or_else(String::new, |best| format!(", best {best:.4}"));
        let n_trials = study.declared.trials;
        print::text(&format!(
            "{name:width$}  {} of {n_trials} trials{best}\n",
            told.len()
        ))?;
    }
    Ok(())
}

/// The names of all studies.
pub(crate) fn names() -> anyhow::Result<Vec<String>> {
    declared::names(&find_root(&env::current_dir()?)?)
}

/// The folder of a study, in the runner's own.
fn folder_name(name: &str) -> PathBuf {
    Path::new("studies").join(name)
}

impl Study {
    /// The study's folder for its record and for the state of its trials.
    fn folder(&self) -> PathBuf {
        self.root.join(FOLDER).join(folder_name(&self.name))
    }
}
