//! Paired differences of two recipes: the job file of the program that computes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use cli::arguments::common::{self, Confine};
use cli::program::exit_code;
use cli::workspace::open;
use experiments::comparison;
use experiments::state::{State, WORKSPACE};
use ledger::own;
use protocol::{Input, Job};
use runner::program_name::PROGRAM;
use runner::workspace::Access;
use runner::{Workspace, program};
use serde::Serialize;
use serde_json::Value;

/// The program.
pub(crate) const RUN: &str = "metrics/compare";

/// Another name of the current state.
const HERE: &str = ".";

/// The stage and its output with predictions for images that the folds' networks were not fitted to.
const PREDICTIONS: (&str, &str) = ("cross-validation", "out_of_fold");

/// Compare the cross-validated metrics of two experiments, with paired intervals
#[derive(Debug, Args)]
#[command(after_help = format!("\
Each is an experiment, a revision of git, or `.` for the current state. Differences are B less A, on the images that both
predict; their splits must be the same.

Examples:
  {PROGRAM} compare baseline .
  {PROGRAM} compare baseline wide --json"))]
pub(crate) struct Compare {
    /// Experiment, revision of git, or `.`
    #[arg(value_name = "A")]
    a: String,
    /// The other
    #[arg(value_name = "B", default_value = HERE)]
    b: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    params: common::Params,
    #[command(flatten)]
    confine: Confine,
}

/// Parameters of the program.
#[derive(Serialize)]
struct Params<'a> {
    names: [&'a str; 2],
    seed: Option<&'a Value>,
    bootstrap: Option<&'a Value>,
    json: bool,
}

/// Compares two recipes; the exit code is the program's own.
pub(crate) fn compare(arguments: &Compare) -> anyhow::Result<ExitCode> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let folder =
        own(&workspace.workflow.root, "work").join(format!("compare-{}", std::process::id()));
    let status = start(&mut workspace, arguments, &folder);
    store::remove_path(&folder)?;
    status
}

fn start(
    workspace: &mut Workspace,
    arguments: &Compare,
    folder: &Path,
) -> anyhow::Result<ExitCode> {
    fs_err::create_dir_all(folder)?;
    let names = [&arguments.a, &arguments.b].map(|name| match name.as_str() {
        HERE => WORKSPACE,
        name => name,
    });
    ensure!(
        names[0] != names[1],
        "both recipes are `{}`, expected two different ones: name an experiment of `{PROGRAM} exp list`, and `.` for the \
         current state",
        arguments.a
    );
    let states: Vec<State> = { names.iter() }
        .map(|name| comparison::find(workspace, name, &arguments.params.files))
        .collect::<Result<_, _>>()?;
    let mut inputs = BTreeMap::new();
    for (input, state) in ["a", "b"].into_iter().zip(&states) {
        let path = folder.join(format!("{input}.parquet"));
        write_predictions(workspace, state, &path)?;
        inputs.insert(input.to_owned(), Input::One(path));
    }
    let folds = workspace.made("split", "folds")?;
    let folds = folds.with_context(|| {
        format!("no split yet, which names the authors: run `{PROGRAM} repro split`")
    })?;
    inputs.insert("folds".to_owned(), Input::One(folds));
    let params = &workspace.workflow.params;
    let params = Params {
        names,
        seed: params.get("seed"),
        bootstrap: params.get("score.bootstrap"),
        json: arguments.json,
    };
    let job = Job {
        inputs,
        outputs: BTreeMap::new(),
        params: serde_json::to_value(params)?,
        scratch: PathBuf::new(),
        stage: "compare".to_owned(),
    };
    let status = program::run(workspace, RUN, None, &job, arguments.confine.sandbox())?;
    Ok(exit_code(status))
}

/// Writes the state's predictions to `path`.
fn write_predictions(workspace: &Workspace, state: &State, path: &Path) -> anyhow::Result<()> {
    let (stage, output) = PREDICTIONS;
    let name = &state.name;
    if let Some(bytes) = workspace.content(&state.made, stage, output) {
        return Ok(fs_err::write(path, bytes)?);
    }
    let remedy = match name.as_str() {
        WORKSPACE => format!("`{PROGRAM} repro {stage}` makes them"),
        _ => format!("`{PROGRAM} exp show` lists what there is; run the experiment again"),
    };
    if state.made.lock.get(stage).is_some() {
        bail!("the cache no longer has the cross-validated predictions of `{name}`: {remedy}");
    }
    bail!(
        "`{name}` has no cross-validated predictions, the output `{output}` of stage `{stage}`: {remedy}"
    );
}
