//! Stage `paint`: draws a collection of pictures in eight styles, by invented authors.
//!
//! It stands in for a real collection, so that the whole study runs with nothing to download. Each author has habits of
//! the hand, some work in two styles, and a few have left a single picture. Every picture has random numbers of its
//! own, by style and number: one more picture changes no other.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use random::Seed;
use rayon::prelude::*;
use serde::Deserialize;
use stage::{OutputPath, Progress};
use tracing::info;

mod canvas;
mod color;
mod dice;
mod encode;
mod people;
mod streams;
mod styles;

use canvas::Canvas;
use dice::Dice;
use people::{Commission, commissions};
use styles::STYLES;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Of all that is drawn.
    seed: Seed,
    /// Pictures of each style, 1 to 10,000.
    pictures: usize,
    /// Authors of each style that has authors, at most as many as pictures.
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
        (1..=10_000).contains(&params.pictures),
        "`pictures` is {}, expected 1 to 10,000",
        params.pictures
    );
    ensure!(
        (1..=params.pictures).contains(&params.authors),
        "`authors` is {}, expected 1 to the number of pictures, {}",
        params.authors,
        params.pictures
    );
    for style in &STYLES {
        fs_err::create_dir_all(outputs.images.join(style.folder))?;
    }
    let commissions = commissions(params.seed, params.pictures, params.authors);
    let progress = Progress::start("pictures", commissions.len());
    commissions.par_iter().try_for_each(|commission| {
        paint(commission, params.seed, &outputs.images)
            .with_context(|| format!("cannot paint `{}`", commission.path()))?;
        progress.advance(1);
        anyhow::Ok(())
    })?;
    info!("{} pictures in {} styles", commissions.len(), STYLES.len());
    Ok(())
}

fn paint(commission: &Commission, seed: Seed, folder: &Path) -> anyhow::Result<()> {
    let style = commission.style();
    let stream = seed.stream(streams::PICTURE);
    let mut dice = Dice::new(stream.at(commission.style as u64, commission.number as u64));
    let (width, height) = canvas::size(&mut dice);
    let mut canvas = Canvas::new(width, height)?;
    (style.draw)(&mut canvas, &commission.hand, &mut dice);
    let bytes = encode::encode(&canvas, commission.format)?;
    fs_err::write(folder.join(commission.path()), bytes)?;
    Ok(())
}
