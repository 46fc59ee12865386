//! Predictions for new images: the job file of the program that makes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use cli::arguments::common::{self, Confine};
use cli::print;
use cli::program::exit_code;
use cli::workspace::{current_folder, open};
use keys::reason::listed;
use protocol::{Input, Job};
use runner::coherence::unfit;
use runner::events::{Event, Events};
use runner::program_name::PROGRAM;
use runner::workspace::Access;
use runner::{Workspace, device_trial, program};
use serde::Serialize;
use serde_json::Value;
use workflow::instance::Target;

/// Crate and name of the program that predicts.
pub(crate) const RUN: &str = "predictor/predictor";

/// Stage of the folds' networks.
const TRAIN: &str = "train";

/// Predict the classes of new images by the selected network, or by the ensemble of the folds' networks
#[derive(Debug, Args)]
#[command(after_help = format!("\
Needs a model that `{PROGRAM} repro` made, with the same parameters.

`--ensemble` predicts by the networks that stage `train` saved, one of each fold: the mean of their softmax
probabilities, and the share of them that predict the same class. No temperature is applied, as the one of stage
`calibrate` is fitted to single networks. Table `cross_validation` scores the ensemble in the epochs that the other folds
select: with `train.selection = \"last\"` it is the same ensemble, otherwise its epochs may differ, and the output has
both. Neighbors, coordinates and attributions are by the selected network.

Examples:
  {PROGRAM} predict painting.jpg
  {PROGRAM} predict folder/ more/*.png --json
  {PROGRAM} predict folder/ --ensemble
  {PROGRAM} predict folder/ --explain --html new.html"))]
pub(crate) struct Predict {
    /// Images, or folders of images
    #[arg(value_name = "FILE|FOLDER", required = true)]
    images: Vec<PathBuf>,
    /// Predict by the ensemble of the folds' networks
    #[arg(long)]
    ensemble: bool,
    /// Add attributions: occlusion map and Grad-CAM
    #[arg(long)]
    explain: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Write a page of it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    params: common::Params,
    #[command(flatten)]
    confine: Confine,
}

/// Parameters of the program.
#[derive(Serialize)]
struct Params<'a> {
    files: Vec<String>,
    device: &'static str,
    explain: bool,
    cells: Option<&'a Value>,
    window: Option<&'a Value>,
    selection: Option<&'a Value>,
    json: bool,
}

/// Predicts new images; the exit code is the program's own.
pub(crate) fn predict(arguments: &Predict) -> anyhow::Result<ExitCode> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let paths = Paths::find(&workspace, arguments)?;
    check_one_run(&mut workspace, arguments)?;
    let device = device_trial::device(&mut workspace, &mut Warnings)?;
    let params = Params {
        files: paths.files,
        device: device.name(),
        explain: arguments.explain,
        cells: workspace.workflow.params.get("attribution.cells"),
        window: workspace.workflow.params.get("attribution.window"),
        selection: workspace.workflow.params.get("train.selection"),
        json: arguments.json,
    };
    let job = Job {
        inputs: paths.inputs,
        outputs: paths.outputs,
        params: serde_json::to_value(params)?,
        scratch: PathBuf::new(),
        stage: "predict".to_owned(),
    };
    let sandbox = arguments.confine.sandbox();
    let status = program::run(&mut workspace, RUN, Some(device), &job, sandbox)?;
    Ok(exit_code(status))
}

/// Refuses results that were not made together, or with other parameters than these.
fn check_one_run(workspace: &mut Workspace, arguments: &Predict) -> anyhow::Result<()> {
    const SHOWN: usize = 4;
    let mut stages = vec!["export", "predict", "cluster"];
    if workspace.made("calibrate", "calibrators")?.is_some() {
        stages.push("calibrate");
    }
    let networks = match arguments.ensemble {
        true => workspace.made_by_each(TRAIN, "model")?,
        false => Vec::new(),
    };
    let networks = networks.iter().map(|(name, _)| name.as_str());
    let checked: Vec<&str> = stages.iter().copied().chain(networks).collect();
    let unfit = unfit(workspace, &checked)?;
    if arguments.ensemble {
        stages.push(TRAIN);
    }
    if unfit.is_empty() {
        return Ok(());
    }
    let lines = unfit.iter().take(SHOWN);
    let lines = lines.map(|unfit| format!("\n  {}: {}", unfit.stage, listed(&unfit.reasons)));
    let mut lines = lines.collect::<String>();
    if unfit.len() > SHOWN {
        lines.push_str(&format!("\n  and {} more", unfit.len() - SHOWN));
    }
    bail!(
        "the results in place are not of one run with these parameters:{lines}\n`{PROGRAM} repro {}{}` makes them so; or give the `--params` and `--set` with which the model was made",
        stages.join(" "),
        typed(&arguments.params)
    );
}

/// Changes of parameters, as typed.
fn typed(params: &common::Params) -> String {
    let files = params.files.iter();
    let files = files.map(|file| format!(" --params {}", file.display()));
    let settings = params.settings.iter();
    let settings = settings.map(|setting| format!(" --set {setting}"));
    files.chain(settings).collect()
}

/// Paths of the job.
struct Paths {
    /// Images, and folders of images.
    files: Vec<String>,
    inputs: BTreeMap<String, Input>,
    outputs: BTreeMap<String, PathBuf>,
}

impl Paths {
    /// Finds the images and the outputs of a repro.
    fn find(workspace: &Workspace, arguments: &Predict) -> anyhow::Result<Self> {
        let here = current_folder()?;
        if !arguments.images.iter().any(|file| file.exists()) {
            bail!("`{}` is not there", arguments.images[0].display());
        }
        let files = arguments.images.iter();
        let of_folds = |output: &str| match arguments.ensemble {
            true => made_by_folds(workspace, output),
            false => Ok(Vec::new()),
        };
        let calibrators = workspace.made("calibrate", "calibrators")?;
        let inputs = [
            ("model", Input::One(made(workspace, "export", "model")?)),
            ("config", Input::One(made(workspace, "export", "config")?)),
            ("images", Input::One(images(workspace))),
            (
                "predictions",
                Input::One(made(workspace, "predict", "predictions")?),
            ),
            (
                "clusters",
                Input::One(made(workspace, "cluster", "clusters")?),
            ),
            ("calibrators", calibrators.map_or(Input::Absent, Input::One)),
            ("models", Input::Many(of_folds("model")?)),
            ("histories", Input::Many(of_folds("history")?)),
        ];
        let page = arguments.html.iter();
        Ok(Paths {
            files: files
                .map(|path| here.join(path).display().to_string())
                .collect(),
            inputs: inputs.map(|(name, input)| (name.to_owned(), input)).into(),
            outputs: page
                .map(|path| ("page".to_owned(), here.join(path)))
                .collect(),
        })
    }
}

/// The folder of images, as stages read it.
fn images(workspace: &Workspace) -> PathBuf {
    let inputs =
        { workspace.workflow.graph.instances.iter() }.flat_map(|instance| instance.inputs.values());
    let mut folders = inputs.filter_map(|input| match &input.target {
        Target::Path(path) if input.param.as_deref() == Some("images.folder") => Some(path),
        _ => None,
    });
    let folder = folders.next().map_or(Path::new(""), PathBuf::as_path);
    workspace.workflow.root.join(folder)
}

/// Path of an output of a repro.
fn made(workspace: &Workspace, stage: &str, output: &str) -> anyhow::Result<PathBuf> {
    let made = workspace.made(stage, output)?;
    made.with_context(|| format!("no model yet: run `{PROGRAM} repro`"))
}

/// Paths of an output of all folds' trainings.
fn made_by_folds(workspace: &Workspace, output: &str) -> anyhow::Result<Vec<PathBuf>> {
    let made = workspace.made_by_each(TRAIN, output)?;
    let missing = made.iter().filter(|(_, path)| path.is_none());
    let missing: Vec<&str> = missing.map(|(name, _)| name.as_str()).collect();
    if !missing.is_empty() {
        bail!(
            "the output `{output}` of {} is missing, expected that of every fold for the ensemble: run `{PROGRAM} repro {TRAIN}`",
            missing.join(", ")
        );
    }
    if made.len() < 2 {
        bail!(
            "there is the network of a single fold, expected two or more for an ensemble: leave out `--ensemble`, or \
             set `split.folds` to 2 or more, with `split.existing = \"ignore\"` if the collection has validation \
             images of its own"
        );
    }
    Ok(made.into_iter().filter_map(|(_, path)| path).collect())
}

/// Prints warnings alone.
struct Warnings;

impl Events for Warnings {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Warning { stage, text } = event {
            print::warning(&format!("{stage}: {text}"));
        }
    }
}
