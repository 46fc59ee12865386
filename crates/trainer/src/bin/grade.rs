//! Stage `grade`: the best score of a fold's training as one number, which a search over parameters looks at.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use serde::Deserialize;
use stage::{Input, OutputPath};
use table_history::History;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The fold that is the validation set.
    fold: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    history: Input<History>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// The number, on a line.
    score: OutputPath,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let history = inputs.history.read()?;
    let best = history.iter().find(|row| row.best);
    let best = best.context("the history has no best epoch")?;
    ensure!(
        best.fold == params.fold,
        "the history is of fold {}, expected {}",
        best.fold,
        params.fold
    );
    Ok(fs_err::write(&*outputs.score, format!("{}\n", best.score))?)
}
