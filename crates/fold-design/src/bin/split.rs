//! Stage `split`: folds and a test set that share no author, or the split that the collection comes with.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;
use fold_design::{
    Balance, Image, SharedAuthors, Split, SplitParams, Streams, existing, split, split_existing,
    split_groups, streams,
};
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output};
use table_annotations::Annotation;
use table_balance as balance;
use table_folds::Fold;
use table_near_duplicates::NearDuplicate;
use tables::Assignment;

/// Authors and groups that a warning lists; the tables have all.
const LISTED: usize = 10;

/// Parameters of the split.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Number of folds, at least 2; 1 for an existing split with images for validation.
    folds: usize,
    /// Share of every class's images that go to the test set, from 0 to 0.5.
    test: f64,
    /// Weight of evenness in authors relative to evenness in images; 1 for equal weights, 0 to ignore authors.
    author_weight: f64,
    /// Steps of the annealing.
    steps: u64,
    /// Largest share of the images of all folds that one of them may have.
    max_share: f64,
    /// Use of the split that the collection comes with.
    existing: Existing,
    /// Use of near-duplicates.
    near_duplicates: NearDuplicates,
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

/// Use of near-duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NearDuplicates {
    /// All copies have one assignment.
    Tie,
    /// Copies may have different assignments.
    Ignore,
}

/// Tables of the collection.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The images.
    annotations: Input<Annotation>,
    /// Groups of near-duplicates.
    near_duplicates: Input<NearDuplicate>,
}

/// Folds and their balance.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Assignment of each image.
    folds: Output<Fold>,
    /// Authors and images by class and fold.
    balance: Output<balance::Balance>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let annotations = inputs.annotations.read()?;
    let images = images(&annotations, &inputs.near_duplicates.read()?);
    let split_params = SplitParams {
        folds: params.folds,
        test: params.test,
        author_weight: params.author_weight,
        steps: params.steps,
        max_share: params.max_share,
    };
    let found = { annotations.iter() }.map(|row| (row.path.as_str(), row.split));
    let subsets = match params.existing {
        Existing::Use => existing(found)?,
        Existing::Ignore => None,
    };
    let streams = generators(params.seed);
    let split = match &subsets {
        Some(subsets) => split_existing(&images, subsets, &split_params, streams)?,
        None => split(
            &tied(&images, params.near_duplicates),
            &split_params,
            streams,
        )?,
    };
    if subsets.is_some() {
        report_shared(&images, &split.assignments);
    }
    report(&split);
    let balance = Balance::of(&images, &split.assignments, split.columns.clone());
    for line in balance.to_string().lines() {
        tracing::info!("{line}");
    }
    outputs.balance.write(balance_rows(&balance)?)?;
    let rows = images.into_iter().zip(&split.assignments);
    let rows = rows.map(|(image, assignment)| Fold {
        path: image.path,
        label: image.label,
        author: image.author,
        fold: *assignment,
    });
    outputs.folds.write(rows.collect())
}

/// The images with their groups of near-duplicates.
fn images(annotations: &[Annotation], near_duplicates: &[NearDuplicate]) -> Vec<Image> {
    let groups: BTreeMap<&str, u32> = { near_duplicates.iter() }
        .map(|row| (row.path.as_str(), row.group))
        .collect();
    let image = |row: &Annotation| Image {
        path: row.path.clone(),
        label: row.label.clone(),
        author: row.author.clone(),
        near_duplicates: groups.get(row.path.as_str()).copied(),
    };
    annotations.iter().map(image).collect()
}

/// The images, without groups of near-duplicates if these are ignored.
fn tied(images: &[Image], tie: NearDuplicates) -> Vec<Image> {
    let mut images = images.to_vec();
    if tie == NearDuplicates::Ignore {
        { images.iter_mut() }.for_each(|image| image.near_duplicates = None);
    }
    images
}

/// Logs warnings and unevenness of the folds.
fn report(split: &Split) {
    for warning in &split.warnings {
        tracing::warn!("{warning}");
    }
    if split.columns.contains(&Assignment::Fold(1)) {
        tracing::info!(
            "unevenness {:.4} after annealing, {:.4} before",
            split.cost,
            split.start_cost
        );
    }
}

/// Logs authors and near-duplicates in several subsets of an existing split.
fn report_shared(images: &[Image], assignments: &[Assignment]) {
    tracing::info!("the existing split is used");
    let shared = SharedAuthors::count(images, assignments);
    if shared.authors > 0 {
        tracing::warn!(
            "the existing split has {} of {} authors in several subsets, with {} images, so that scores are too high: {}. \
             `split.existing = \"ignore\"` splits by author instead",
            shared.authors,
            shared.of,
            shared.images,
            listed(SharedAuthors::names(images, assignments))
        );
    }
    let (groups, n_split) = split_groups(images, assignments);
    if n_split > 0 {
        let paths = fold_design::split_group_paths(images, assignments);
        tracing::warn!(
            "the existing split has {n_split} of {groups} groups of near-duplicates in several subsets, so that scores are \
             too high: {}",
            listed(paths)
        );
    }
}

/// The first of some names with their assignments.
fn listed(rows: Vec<(&str, Vec<Assignment>)>) -> String {
    let more = rows.len().saturating_sub(LISTED);
    let shown = rows.into_iter().take(LISTED).map(|(name, assignments)| {
        let assignments: Vec<String> = assignments.iter().map(Assignment::to_string).collect();
        format!("`{name}` ({})", assignments.join(", "))
    });
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

fn generators(seed: Seed) -> Streams {
    Streams {
        test: seed.stream(streams::SPLIT_TEST).rng(),
        deal: seed.stream(streams::SPLIT_DEAL).rng(),
        moves: seed.stream(streams::SPLIT_MOVES).rng(),
        acceptance: seed.stream(streams::SPLIT_ACCEPTANCE).rng(),
    }
}

fn balance_rows(balance: &Balance) -> anyhow::Result<Vec<balance::Balance>> {
    let rows = balance.classes.iter().flat_map(|(label, counts)| {
        let cells = balance.columns.iter().zip(counts);
        cells.map(move |(assignment, count)| (label, assignment, count))
    });
    rows.map(|(label, assignment, count)| {
        Ok(balance::Balance {
            label: label.clone(),
            fold: *assignment,
            authors: u32::try_from(count.authors).context("too many authors")?,
            images: u32::try_from(count.images).context("too many images")?,
        })
    })
    .collect()
}
