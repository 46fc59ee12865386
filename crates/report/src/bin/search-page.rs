//! Page and table of a search over the pipeline's parameters, from the record of `cargo xtask search`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::Context;
use report::search_page;
use search::{State, Trial};
use serde::Deserialize;
use stage::{InputPath, Output, OutputPath};
use table_search_trials::SearchTrial;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Name of the search.
    name: String,
    /// Name of the score.
    score: String,
    /// Parameters with a list of values.
    choices: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The trials, in their order, as JSON.
    trials: InputPath,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// All trials.
    trials: Output<SearchTrial>,
    /// The page.
    page: OutputPath,
    /// A folder of the page's figures.
    figures: OutputPath,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let text = fs_err::read(&*inputs.trials)?;
    let trials: Vec<Trial> =
        serde_json::from_slice(&text).context("cannot read the record of the trials")?;
    let report = search_page(&params.name, &params.score, &params.choices, &trials);
    fs_err::create_dir_all(&*outputs.figures)?;
    for figure in &report.figures {
        fs_err::write(outputs.figures.join(&figure.name), &figure.svg)?;
    }
    fs_err::write(&*outputs.page, report.page)?;
    outputs.trials.write(rows(&trials))
}

/// A row for each parameter of each trial.
fn rows(trials: &[Trial]) -> Vec<SearchTrial> {
    let best = best(trials);
    let numbered = (0..).zip(trials);
    numbered
        .flat_map(|(number, trial)| {
            trial.params.iter().map(move |(param, value)| SearchTrial {
                trial: number,
                state: trial.state.name().to_owned(),
                score: trial.score,
                best: best == Some(number),
                param: param.clone(),
                value: value.to_string(),
                number: value.as_f64(),
            })
        })
        .collect()
}

/// The complete trial of the highest score, of equals the first.
fn best(trials: &[Trial]) -> Option<u32> {
    let numbered = (0..).zip(trials);
    let complete = numbered.filter(|(_, trial)| trial.state == State::Complete);
    let scored: Vec<(u32, f64)> = complete
        .filter_map(|(number, trial)| Some((number, trial.score?)))
        .collect();
    let best = scored.into_iter().rev().max_by(|a, b| a.1.total_cmp(&b.1));
    best.map(|(number, _)| number)
}
