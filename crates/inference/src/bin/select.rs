//! Stage `select`: selection of the fold whose model the later stages use.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use inference::{Rule, select_fold};
use serde::Deserialize;
use stage::{Input, InputPath, Output, OutputPath};
use table_history::History;
use table_selection::Selection;
use tracing::info;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// `best` or `median`.
    rule: Rule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The history of each fold.
    histories: Vec<Input<History>>,
    /// The best model of each fold, in the order of `histories`.
    models: Vec<InputPath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    selection: Output<Selection>,
    model: OutputPath,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let (n_histories, n_models) = (inputs.histories.len(), inputs.models.len());
    ensure!(
        n_histories == n_models,
        "found {n_histories} histories and {n_models} models: expected one of each for every fold"
    );
    let histories = inputs
        .histories
        .iter()
        .map(Input::read)
        .collect::<Result<Vec<_>, _>>()?;
    let selection = select_fold(&histories.concat(), params.rule)?;
    info!(
        "selected fold {}, epoch {}, of score {:.4}",
        selection.fold, selection.epoch, selection.score
    );

    let of_fold = |rows: &Vec<History>| rows.iter().any(|row| row.fold == selection.fold);
    let position = histories
        .iter()
        .position(of_fold)
        .context("the selected fold has a history")?;
    fs_err::copy(&*inputs.models[position], &*outputs.model)?;
    outputs.selection.write(vec![selection])
}
