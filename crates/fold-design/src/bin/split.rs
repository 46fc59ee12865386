//! Stage `split`: folds and validation, with no author in two parts.

use std::process::ExitCode;

use anyhow::Context;
use fold_design::{Balance, Design, Picture, Streams, split};
use serde::Deserialize;
use stage::{Input, Output, Seed};
use tables::{annotation::Annotation, balance, fold::Fold};

/// How to split.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Number of folds, at least 2.
    folds: usize,
    /// Share of every class's pictures that go to validation, from 0 to 0.5.
    validation: f64,
    /// What evenness in authors counts against evenness in pictures; 1 for the same, 0 for nothing.
    author_weight: f64,
    /// Steps of the annealing.
    steps: u64,
}

/// What it reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The pictures.
    annotations: Input<Annotation>,
}

/// What it writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Where each picture stands.
    folds: Output<Fold>,
    /// Authors and pictures by class and part.
    balance: Output<balance::Balance>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let pictures: Vec<Picture> = inputs
        .annotations
        .read()?
        .into_iter()
        .map(|row| Picture {
            path: row.path,
            label: row.label,
            author: row.author,
        })
        .collect();
    let design = Design {
        folds: params.folds,
        validation: params.validation,
        author_weight: params.author_weight,
        steps: params.steps,
    };
    let split = split(&pictures, &design, streams(params.seed))?;
    for warning in &split.warnings {
        tracing::warn!("{warning}");
    }
    tracing::info!(
        "unevenness {:.4} after annealing, {:.4} before",
        split.cost,
        split.start_cost
    );
    let balance = Balance::of(&pictures, &split.parts, design.parts());
    for line in balance.to_string().lines() {
        tracing::info!("{line}");
    }
    outputs.balance.write(balance_rows(&balance)?)?;
    let places = pictures.into_iter().zip(&split.parts);
    let rows = places.map(|(picture, part)| Fold {
        path: picture.path,
        label: picture.label,
        author: picture.author,
        part: part.to_string(),
    });
    outputs.folds.write(rows.collect())
}

fn streams(seed: Seed) -> Streams {
    Streams {
        validation: seed.stream("split validation").rng(),
        deal: seed.stream("split deal").rng(),
        moves: seed.stream("split moves").rng(),
        acceptance: seed.stream("split acceptance").rng(),
    }
}

fn balance_rows(balance: &Balance) -> anyhow::Result<Vec<balance::Balance>> {
    let cells = balance.classes.iter().flat_map(|(label, counts)| {
        let parts = balance.parts.iter().zip(counts);
        parts.map(move |(part, count)| (label, part, count))
    });
    cells
        .map(|(label, part, count)| {
            Ok(balance::Balance {
                label: label.clone(),
                part: part.to_string(),
                authors: u32::try_from(count.authors).context("too many authors")?,
                pictures: u32::try_from(count.pictures).context("too many pictures")?,
            })
        })
        .collect()
}
