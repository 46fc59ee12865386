//! Stage `near-duplicates`: groups of images that are copies of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use near_duplicates::{Descriptor, near_duplicates};
use rayon::prelude::*;
use serde::Deserialize;
use stage::{Input, InputPath, Output, Progress};
use table_annotations::Annotation;
use table_images::Image;
use table_near_duplicates::NearDuplicate;
use thumbnails::Thumbnails;

/// Groups with conflicting labels that the log lists, with an image of each label; the table has all.
const LISTED: usize = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Largest difference of a copy from its original, in levels of 255: the largest mean over an eighth by an eighth of
    /// the image, after alignment.
    max_difference: f32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The images of the study.
    annotations: Input<Annotation>,
    /// The files of the folder.
    images: Input<Image>,
    /// The thumbnail of each row of `images` without a fault, in their order.
    thumbnails: InputPath,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// The images that have near-duplicates.
    near_duplicates: Output<NearDuplicate>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    ensure!(
        (0.0..=64.0).contains(&params.max_difference),
        "`max_difference` is {}, expected a number of levels from 0 to 64",
        params.max_difference
    );
    let annotations = inputs.annotations.read()?;
    let thumbnails = Thumbnails::open(&inputs.thumbnails)?;
    let positions = positions(&annotations, &inputs.images.read()?, thumbnails.len())?;
    let descriptors = describe(&annotations, &positions, &thumbnails)?;
    let progress = Progress::start("comparisons", annotations.len());
    let found = near_duplicates(
        &descriptors,
        params.max_difference,
        |image| thumbnails.read(positions[image]),
        || progress.advance(1),
    )?;
    let rows = rows(&annotations, &found)?;
    report(&rows);
    outputs.near_duplicates.write(rows)
}

/// The position of each annotated image in the file of thumbnails.
fn positions(
    annotations: &[Annotation],
    images: &[Image],
    n_thumbnails: usize,
) -> anyhow::Result<Vec<usize>> {
    let decoded = images.iter().filter(|image| image.fault.is_none());
    let positions: BTreeMap<&str, usize> =
        decoded.map(|image| image.path.as_str()).zip(0..).collect();
    ensure!(
        positions.len() == n_thumbnails,
        "`thumbnails` has {n_thumbnails} images and `images` has {}: expected the same",
        positions.len()
    );
    let position = |row: &Annotation| {
        let position = positions.get(row.path.as_str()).copied();
        position.with_context(|| format!("`{}` is no image of table `images`", row.path))
    };
    annotations.iter().map(position).collect()
}

/// The descriptors of the images.
fn describe(
    annotations: &[Annotation],
    positions: &[usize],
    thumbnails: &Thumbnails,
) -> anyhow::Result<Vec<Descriptor>> {
    let progress = Progress::start("images", annotations.len());
    let images = annotations.par_iter().zip(positions);
    images
        .map(|(row, &position)| {
            let thumbnail = thumbnails.read(position)?;
            progress.advance(1);
            Ok(Descriptor::of(&thumbnail, (row.width, row.height)))
        })
        .collect()
}

fn rows(
    annotations: &[Annotation],
    found: &[Option<near_duplicates::NearDuplicate>],
) -> anyhow::Result<Vec<NearDuplicate>> {
    let n_groups = found.iter().flatten().map(|found| found.group + 1).max();
    let mut labels = vec![BTreeSet::new(); n_groups.unwrap_or(0)];
    for (annotation, found) in annotations.iter().zip(found) {
        if let Some(found) = found {
            labels[found.group].insert(annotation.label.as_str());
        }
    }
    let rows = annotations.iter().zip(found);
    rows.filter_map(|(annotation, found)| Some((annotation, found.as_ref()?)))
        .map(|(annotation, found)| {
            Ok(NearDuplicate {
                path: annotation.path.clone(),
                group: u32::try_from(found.group)?,
                label: annotation.label.clone(),
                representative: annotations[found.representative].path.clone(),
                difference: found.difference,
                conflict: labels[found.group].len() > 1,
            })
        })
        .collect()
}

/// Logs the number of groups, and those with conflicting labels.
fn report(rows: &[NearDuplicate]) {
    let groups = |rows: &mut dyn Iterator<Item = &NearDuplicate>| {
        rows.map(|row| row.group).collect::<BTreeSet<u32>>()
    };
    let n_groups = groups(&mut rows.iter()).len();
    tracing::info!("{} near-duplicates in {n_groups} groups", rows.len());
    let conflicting = groups(&mut rows.iter().filter(|row| row.conflict));
    if conflicting.is_empty() {
        return;
    }
    let listed = conflicting.iter().take(LISTED).map(|group| {
        let members = rows.iter().filter(|row| row.group == *group);
        let mut labels = BTreeSet::new();
        let members: Vec<String> = members
            .filter(|row| labels.insert(row.label.as_str()))
            .take(LISTED)
            .map(|row| format!("`{}` ({})", row.path, row.label))
            .collect();
        members.join(", ")
    });
    tracing::warn!(
        "{} groups of near-duplicates have conflicting labels: the same image stands in several classes. Correct the \
         labels, or remove the copies:\n{}",
        conflicting.len(),
        listed.collect::<Vec<_>>().join("\n")
    );
}
