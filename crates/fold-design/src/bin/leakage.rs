//! Stage `leakage`: splits that leak, and counts of shared authors and near-duplicates in each of three splits.

use std::collections::BTreeMap;
use std::process::ExitCode;

use fold_design::streams::{LEAK_AT_RANDOM, LEAK_BY_CLASS};
use fold_design::{
    Design, Picture, SharedAuthors, existing, parted_groups, shuffled_like, split_at_random,
    split_by_class,
};
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output};
use table_annotations::Annotation;
use table_folds::Fold;
use table_leakage::SplitLeakage;
use table_near_duplicates::NearDuplicate;
use tables::Assignment;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Number of folds.
    folds: usize,
    /// Share of every class's images that go to the test set, from 0 to 0.5.
    test: f64,
    /// Shuffles of a class's authors of which the most even one counts, at least 1.
    shuffles: usize,
    /// As in stage `split`.
    existing: Choice,
}

/// Whether an existing split was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    /// It was, if there is one.
    Use,
    /// All images were dealt anew.
    Ignore,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The study's folds, by author or of an existing split.
    folds: Input<Fold>,
    /// The pictures, with the existing split.
    annotations: Input<Annotation>,
    /// Those that are copies of each other.
    near_duplicates: Input<NearDuplicate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Folds by class and author.
    by_class: Output<Fold>,
    /// Folds by picture.
    at_random: Output<Fold>,
    /// What each split shares.
    leakage: Output<SplitLeakage>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let folds = inputs.folds.read()?;
    let pictures = pictures(&folds, &inputs.near_duplicates.read()?);
    let own: Vec<Assignment> = folds.iter().map(|row| row.fold).collect();
    let annotations = inputs.annotations.read()?;
    let found = { annotations.iter() }.map(|row| (row.path.as_str(), row.split));
    let is_existing = params.existing == Choice::Use && existing(found)?.is_some();

    let rng = |name| params.seed.stream(name).rng();
    let (by_class, at_random) = (rng(LEAK_BY_CLASS), rng(LEAK_AT_RANDOM));
    let (by_class, at_random) = if is_existing {
        (
            shuffled_like(&pictures, &own, true, params.shuffles, by_class)?,
            shuffled_like(&pictures, &own, false, 1, at_random)?,
        )
    } else {
        let design = Design {
            folds: params.folds,
            test: params.test,
            author_weight: 0.0,
            steps: 0,
            max_share: 1.0,
        };
        (
            split_by_class(&pictures, &design, params.shuffles, by_class)?,
            split_at_random(&pictures, &design, at_random)?,
        )
    };

    let mut leakage = Vec::new();
    for (split, assignments) in [
        (if is_existing { "existing" } else { "by author" }, &own),
        ("by class", &by_class),
        ("at random", &at_random),
    ] {
        let leak = leak(split, &pictures, assignments)?;
        tracing::info!(
            "{split}: {} of {} authors in several folds, with {} images; {} of {} groups of near-duplicates parted",
            leak.shared_authors,
            leak.authors,
            leak.shared_images,
            leak.split_near_duplicates,
            leak.near_duplicates
        );
        leakage.push(leak);
    }
    outputs.leakage.write(leakage)?;
    outputs.by_class.write(placed(&folds, &by_class))?;
    outputs.at_random.write(placed(&folds, &at_random))
}

/// The pictures with their groups of near-duplicates.
fn pictures(folds: &[Fold], near_duplicates: &[NearDuplicate]) -> Vec<Picture> {
    let groups: BTreeMap<&str, u32> = { near_duplicates.iter() }
        .map(|row| (row.path.as_str(), row.group))
        .collect();
    let picture = |row: &Fold| Picture {
        path: row.path.clone(),
        label: row.label.clone(),
        author: row.author.clone(),
        near_duplicates: groups.get(row.path.as_str()).copied(),
    };
    folds.iter().map(picture).collect()
}

fn leak(
    split: &str,
    pictures: &[Picture],
    assignments: &[Assignment],
) -> anyhow::Result<SplitLeakage> {
    let shared = SharedAuthors::count(pictures, assignments);
    let (near_duplicates, parted) = parted_groups(pictures, assignments);
    Ok(SplitLeakage {
        split: split.to_owned(),
        authors: shared.of.try_into()?,
        shared_authors: shared.authors.try_into()?,
        shared_images: shared.pictures.try_into()?,
        near_duplicates: near_duplicates.try_into()?,
        split_near_duplicates: parted.try_into()?,
    })
}

fn placed(folds: &[Fold], assignments: &[Assignment]) -> Vec<Fold> {
    let rows = folds.iter().zip(assignments);
    rows.map(|(row, assignment)| Fold {
        fold: *assignment,
        ..row.clone()
    })
    .collect()
}
