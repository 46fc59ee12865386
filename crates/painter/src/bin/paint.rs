//! Stage `paint`: draws a collection of images in eight styles, by invented authors.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use painter::{Commission, commissions, folders};
use random::Seed;
use rayon::prelude::*;
use serde::Deserialize;
use stage::{OutputPath, Progress};
use tracing::info;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Images of each style, 1 to 100,000.
    images: usize,
    /// Authors of each style that has authors, at most as many as images.
    authors: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    images: OutputPath,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, _: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    ensure!(
        (1..=100_000).contains(&params.images),
        "`images` is {}, expected 1 to 100,000",
        params.images
    );
    ensure!(
        (1..=params.images).contains(&params.authors),
        "`authors` is {}, expected 1 to the number of images, {}",
        params.authors,
        params.images
    );
    for folder in folders() {
        fs_err::create_dir_all(outputs.images.join(folder))?;
    }
    let commissions = commissions(params.seed, params.images, params.authors);
    let progress = Progress::start("images", commissions.len());
    commissions.par_iter().try_for_each(|commission| {
        paint(commission, params.seed, &outputs.images)
            .with_context(|| format!("cannot paint `{}`", commission.path()))?;
        progress.advance(1);
        anyhow::Ok(())
    })?;
    info!("{} images in {} styles", commissions.len(), folders().len());
    Ok(())
}

fn paint(commission: &Commission, seed: Seed, folder: &Path) -> anyhow::Result<()> {
    let bytes = painter::paint(commission, seed)?;
    fs_err::write(folder.join(commission.path()), bytes)?;
    Ok(())
}
