//! Stage `leak`: the splits that leak, and what each of three splits shares between its parts.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use fold_design::{
    Design, Pair, Part, Picture, SharedAuthors, near_pairs, split_at_random, split_by_class,
};
use serde::Deserialize;
use stage::{Input, Output, Seed};
use tables::fingerprint::Fingerprint;
use tables::fold::{Fold, VALIDATION};
use tables::leak::Leak;
use tables::near_duplicate::NearDuplicate;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Number of folds, at least 2.
    folds: usize,
    /// Share of every class's pictures that go to validation, from 0 to 0.5.
    validation: f64,
    /// Shuffles of a class's authors of which the most even one counts, at least 1.
    shuffles: usize,
    /// Pictures look alike if their perceptual hashes differ in at most so many of 64 bits.
    max_distance: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The study's folds, by author.
    folds: Input<Fold>,
    /// What the pictures show.
    fingerprints: Input<Fingerprint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Folds by class and author.
    by_class: Output<Fold>,
    /// Folds by picture.
    at_random: Output<Fold>,
    /// What each split shares.
    leaks: Output<Leak>,
    /// Pictures that look alike.
    near_duplicates: Output<NearDuplicate>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let folds = inputs.folds.read()?;
    let pictures: Vec<Picture> = folds.iter().map(picture).collect();
    let by_author: Vec<Part> = folds.iter().map(part).collect::<anyhow::Result<_>>()?;
    let pairs = near_pairs(
        &hashes(&inputs.fingerprints.read()?, &folds)?,
        params.max_distance,
    );

    let design = Design {
        folds: params.folds,
        validation: params.validation,
        author_weight: 0.0,
        steps: 0,
    };
    let rng = |name| params.seed.stream(name).rng();
    let by_class = split_by_class(&pictures, &design, params.shuffles, rng("leak by class"))?;
    let at_random = split_at_random(&pictures, &design, rng("leak at random"))?;

    let mut leaks = Vec::new();
    for (design, parts) in [
        ("by author", &by_author),
        ("by class", &by_class),
        ("at random", &at_random),
    ] {
        let leak = leak(design, &pictures, parts, &pairs)?;
        tracing::info!(
            "{design}: {} of {} authors in two parts, with {} pictures; {} of {} near-duplicates parted",
            leak.shared_authors,
            leak.authors,
            leak.shared_pictures,
            leak.parted_near_duplicates,
            leak.near_duplicates
        );
        leaks.push(leak);
    }
    outputs.leaks.write(leaks)?;
    let near = pairs.iter().map(|pair| near_duplicate(pair, &folds));
    outputs.near_duplicates.write(near.collect())?;
    outputs.by_class.write(placed(&folds, &by_class))?;
    outputs.at_random.write(placed(&folds, &at_random))
}

fn picture(row: &Fold) -> Picture {
    Picture {
        path: row.path.clone(),
        label: row.label.clone(),
        author: row.author.clone(),
    }
}

fn part(row: &Fold) -> anyhow::Result<Part> {
    if row.part == VALIDATION {
        return Ok(Part::Validation);
    }
    let fold = row.part.parse();
    let fold = fold.with_context(|| format!("`{}` stands in part `{}`", row.path, row.part))?;
    Ok(Part::Fold(fold))
}

fn hashes(fingerprints: &[Fingerprint], folds: &[Fold]) -> anyhow::Result<Vec<u64>> {
    ensure!(
        fingerprints.len() == folds.len(),
        "{} pictures have a fingerprint, {} a fold",
        fingerprints.len(),
        folds.len()
    );
    let pairs = fingerprints.iter().zip(folds);
    pairs
        .map(|(fingerprint, fold)| {
            ensure!(
                fingerprint.path == fold.path,
                "there is a fingerprint of `{}` where a fold of `{}` stands",
                fingerprint.path,
                fold.path
            );
            u64::from_str_radix(&fingerprint.hash, 16)
                .with_context(|| format!("the fingerprint of `{}`", fingerprint.path))
        })
        .collect()
}

fn leak(
    design: &str,
    pictures: &[Picture],
    parts: &[Part],
    pairs: &[Pair],
) -> anyhow::Result<Leak> {
    let shared = SharedAuthors::count(pictures, parts);
    let parted = pairs
        .iter()
        .filter(|pair| parts[pair.first] != parts[pair.second])
        .count();
    Ok(Leak {
        design: design.to_owned(),
        authors: shared.of.try_into()?,
        shared_authors: shared.authors.try_into()?,
        shared_pictures: shared.pictures.try_into()?,
        near_duplicates: pairs.len().try_into()?,
        parted_near_duplicates: parted.try_into()?,
    })
}

fn near_duplicate(pair: &Pair, folds: &[Fold]) -> NearDuplicate {
    let [first, second] = [&folds[pair.first], &folds[pair.second]];
    NearDuplicate {
        first: first.path.clone(),
        second: second.path.clone(),
        distance: pair.distance,
        first_part: first.part.clone(),
        second_part: second.part.clone(),
    }
}

fn placed(folds: &[Fold], parts: &[Part]) -> Vec<Fold> {
    let rows = folds.iter().zip(parts);
    rows.map(|(row, part)| Fold {
        part: part.to_string(),
        ..row.clone()
    })
    .collect()
}
