//! Stage `leakage`: splits that leak, and counts of shared authors and near-duplicates in each of three splits.

use std::collections::BTreeMap;
use std::process::ExitCode;

use fold_design::streams::{LEAKAGE_AT_RANDOM, LEAKAGE_BY_CLASS};
use fold_design::{
    Image, SharedAuthors, SplitParams, existing, shuffled_like, split_at_random, split_by_class,
    split_groups,
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
    /// Shuffles of a class's authors, at least 1; the one with the most even folds is used.
    shuffles: usize,
    /// Use of an existing split, as in stage `split`.
    existing: Existing,
}

/// Use of an existing split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Existing {
    /// It is used, if there is one.
    Use,
    /// All images are dealt anew.
    Ignore,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The study's folds, by author or of an existing split.
    folds: Input<Fold>,
    /// The images, with the existing split.
    annotations: Input<Annotation>,
    /// Groups of near-duplicates.
    near_duplicates: Input<NearDuplicate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Folds by class and author.
    by_class: Output<Fold>,
    /// Folds by image.
    at_random: Output<Fold>,
    /// Shared authors and near-duplicates of each split.
    leakage: Output<SplitLeakage>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let folds = inputs.folds.read()?;
    let images = images(&folds, &inputs.near_duplicates.read()?);
    let own: Vec<Assignment> = folds.iter().map(|row| row.fold).collect();
    let annotations = inputs.annotations.read()?;
    let found = { annotations.iter() }.map(|row| (row.path.as_str(), row.split));
    let is_existing = params.existing == Existing::Use && existing(found)?.is_some();

    let rng = |name| params.seed.stream(name).rng();
    let (by_class, at_random) = (rng(LEAKAGE_BY_CLASS), rng(LEAKAGE_AT_RANDOM));
    let (by_class, at_random) = if is_existing {
        (
            shuffled_like(&images, &own, true, params.shuffles, by_class)?,
            shuffled_like(&images, &own, false, 1, at_random)?,
        )
    } else {
        let split_params = SplitParams {
            folds: params.folds,
            test: params.test,
            author_weight: 0.0,
            steps: 0,
            max_share: 1.0,
        };
        (
            split_by_class(&images, &split_params, params.shuffles, by_class)?,
            split_at_random(&images, &split_params, at_random)?,
        )
    };

    let mut rows = Vec::new();
    for (split, assignments) in [
        (if is_existing { "existing" } else { "by author" }, &own),
        ("by class", &by_class),
        ("at random", &at_random),
    ] {
        let leakage = leakage_of(split, &images, assignments)?;
        tracing::info!(
            "{split}: {} of {} authors in several folds, with {} images; {} of {} groups of near-duplicates split",
            leakage.shared_authors,
            leakage.authors,
            leakage.shared_images,
            leakage.split_near_duplicates,
            leakage.near_duplicates
        );
        rows.push(leakage);
    }
    outputs.leakage.write(rows)?;
    outputs
        .by_class
        .write(with_assignments(&folds, &by_class))?;
    outputs
        .at_random
        .write(with_assignments(&folds, &at_random))
}

/// The images with their groups of near-duplicates.
fn images(folds: &[Fold], near_duplicates: &[NearDuplicate]) -> Vec<Image> {
    let groups: BTreeMap<&str, u32> = { near_duplicates.iter() }
        .map(|row| (row.path.as_str(), row.group))
        .collect();
    let image = |row: &Fold| Image {
        path: row.path.clone(),
        label: row.label.clone(),
        author: row.author.clone(),
        near_duplicates: groups.get(row.path.as_str()).copied(),
    };
    folds.iter().map(image).collect()
}

fn leakage_of(
    split: &str,
    images: &[Image],
    assignments: &[Assignment],
) -> anyhow::Result<SplitLeakage> {
    let shared = SharedAuthors::count(images, assignments);
    let (near_duplicates, n_split) = split_groups(images, assignments);
    Ok(SplitLeakage {
        split: split.to_owned(),
        authors: shared.of.try_into()?,
        shared_authors: shared.authors.try_into()?,
        shared_images: shared.images.try_into()?,
        near_duplicates: near_duplicates.try_into()?,
        split_near_duplicates: n_split.try_into()?,
    })
}

fn with_assignments(folds: &[Fold], assignments: &[Assignment]) -> Vec<Fold> {
    let rows = folds.iter().zip(assignments);
    rows.map(|(row, assignment)| Fold {
        fold: *assignment,
        ..row.clone()
    })
    .collect()
}
