//! Stage `split`: folds and validation, with no author in two parts, or the split that the collection comes with.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;
use fold_design::{
    Balance, Design, Part, Picture, SharedAuthors, Split, Streams, existing, parted_groups, split,
    split_existing,
};
use serde::Deserialize;
use stage::{Input, Output, Seed};
use tables::{annotation::Annotation, balance, fold::Fold, near_duplicate::NearDuplicate};

/// Authors and groups that a warning lists; the tables have all.
const LISTED: usize = 10;

/// How to split.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Number of folds, at least 2; 1 for an existing split with images for validation.
    folds: usize,
    /// Share of every class's pictures that go to validation, from 0 to 0.5.
    validation: f64,
    /// What evenness in authors counts against evenness in pictures; 1 for the same, 0 for nothing.
    author_weight: f64,
    /// Steps of the annealing.
    steps: u64,
    /// Largest share of the pictures of all folds that one of them may have.
    max_share: f64,
    /// Whether the split that the collection comes with is used.
    existing: Choice,
    /// Whether near-duplicates stay in one part.
    near_duplicates: Tie,
}

/// Whether to use an existing split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    /// Use it, if there is one.
    Use,
    /// Deal all images anew.
    Ignore,
}

/// Whether to tie near-duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tie {
    /// A group stands in one part.
    Tie,
    /// Copies may stand in different parts.
    Ignore,
}

/// What it reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The pictures.
    annotations: Input<Annotation>,
    /// Those that are copies of each other.
    near_duplicates: Input<NearDuplicate>,
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
    let annotations = inputs.annotations.read()?;
    let pictures = pictures(&annotations, &inputs.near_duplicates.read()?);
    let design = Design {
        folds: params.folds,
        validation: params.validation,
        author_weight: params.author_weight,
        steps: params.steps,
        max_share: params.max_share,
    };
    let found = { annotations.iter() }.map(|row| (row.path.as_str(), row.split.as_deref()));
    let subsets = match params.existing {
        Choice::Use => existing(found)?,
        Choice::Ignore => None,
    };
    let streams = streams(params.seed);
    let split = match &subsets {
        Some(subsets) => split_existing(&pictures, subsets, &design, streams)?,
        None => split(&tied(&pictures, params.near_duplicates), &design, streams)?,
    };
    if subsets.is_some() {
        report_shared(&pictures, &split.parts);
    }
    report(&split);
    let balance = Balance::of(&pictures, &split.parts, split.columns.clone());
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

/// The pictures with their groups of near-duplicates.
fn pictures(annotations: &[Annotation], near_duplicates: &[NearDuplicate]) -> Vec<Picture> {
    let groups: BTreeMap<&str, u32> = { near_duplicates.iter() }
        .map(|row| (row.path.as_str(), row.group))
        .collect();
    let picture = |row: &Annotation| Picture {
        path: row.path.clone(),
        label: row.label.clone(),
        author: row.author.clone(),
        near_duplicates: groups.get(row.path.as_str()).copied(),
    };
    annotations.iter().map(picture).collect()
}

/// The pictures with the ties that the split respects.
fn tied(pictures: &[Picture], tie: Tie) -> Vec<Picture> {
    let mut pictures = pictures.to_vec();
    if tie == Tie::Ignore {
        { pictures.iter_mut() }.for_each(|picture| picture.near_duplicates = None);
    }
    pictures
}

/// Logs what a person should know about the folds.
fn report(split: &Split) {
    for warning in &split.warnings {
        tracing::warn!("{warning}");
    }
    if split.columns.contains(&Part::Fold(1)) {
        tracing::info!(
            "unevenness {:.4} after annealing, {:.4} before",
            split.cost,
            split.start_cost
        );
    }
}

/// Logs which authors and near-duplicates an existing split has in several of its parts.
fn report_shared(pictures: &[Picture], parts: &[Part]) {
    tracing::info!("the existing split is used");
    let shared = SharedAuthors::count(pictures, parts);
    if shared.authors > 0 {
        tracing::warn!(
            "the existing split has {} of {} authors in several parts, with {} images, so that scores are too high: {}. \
             `split.existing = \"ignore\"` splits by author instead",
            shared.authors,
            shared.of,
            shared.pictures,
            listed(SharedAuthors::names(pictures, parts))
        );
    }
    let (groups, parted) = parted_groups(pictures, parts);
    if parted > 0 {
        let paths = fold_design::parted_paths(pictures, parts);
        tracing::warn!(
            "the existing split has {parted} of {groups} groups of near-duplicates in several parts, so that scores are \
             too high: {}",
            listed(paths)
        );
    }
}

/// The first of some names with their parts.
fn listed(rows: Vec<(&str, Vec<Part>)>) -> String {
    let more = rows.len().saturating_sub(LISTED);
    let shown = rows.into_iter().take(LISTED).map(|(name, parts)| {
        let parts: Vec<String> = parts.iter().map(Part::to_string).collect();
        format!("`{name}` ({})", parts.join(", "))
    });
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
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
