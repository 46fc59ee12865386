//! Stage `near-duplicates`: groups of images that are copies of each other.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use fs_err::File;
use fs_err::os::unix::fs::FileExt;
use images::{Annotated, Resizer, decode_annotated};
use near_duplicates::{Descriptor, near_duplicates};
use rayon::prelude::*;
use serde::Deserialize;
use stage::{Input, InputPath, Output, Progress};
use std::io::Write;
use table_annotations::Annotation;
use table_near_duplicates::NearDuplicate;
use thumbnails::Thumbnail;

/// Images decoded before their thumbnails are written, which bounds memory.
const CHUNK: usize = 256;

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
    /// The folder of the images.
    images: InputPath,
    /// The images.
    annotations: Input<Annotation>,
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
    let thumbnails = stage::scratch()?.join("thumbnails");
    let descriptors = describe(&inputs.images, &annotations, &thumbnails)?;
    let thumbnails = Thumbnails(File::open(&thumbnails)?);
    let progress = Progress::start("comparisons", annotations.len());
    let found = near_duplicates(
        &descriptors,
        params.max_difference,
        |image| thumbnails.read(image),
        || progress.advance(1),
    )?;
    let rows = rows(&annotations, &found)?;
    report(&rows);
    outputs.near_duplicates.write(rows)
}

/// The descriptors of the images, whose thumbnails are written to a file, one after the other.
fn describe(
    images: &Path,
    annotations: &[Annotation],
    thumbnails: &Path,
) -> anyhow::Result<Vec<Descriptor>> {
    let mut file = std::io::BufWriter::new(File::create(thumbnails)?);
    let progress = Progress::start("images", annotations.len());
    let mut descriptors = Vec::with_capacity(annotations.len());
    for chunk in annotations.chunks(CHUNK) {
        let described: anyhow::Result<Vec<(Descriptor, Thumbnail)>> = chunk
            .par_iter()
            .map_init(Resizer::default, |resizer, annotation| {
                let described = described(images, annotation, resizer)
                    .with_context(|| format!("`{}`", annotation.path));
                progress.advance(1);
                described
            })
            .collect();
        for (descriptor, thumbnail) in described? {
            descriptors.push(descriptor);
            file.write_all(thumbnail.as_bytes())?;
        }
    }
    file.flush()?;
    Ok(descriptors)
}

fn described(
    images: &Path,
    annotation: &Annotation,
    resizer: &mut Resizer,
) -> anyhow::Result<(Descriptor, Thumbnail)> {
    let (width, height) = (annotation.width, annotation.height);
    let annotated = Annotated {
        width,
        height,
        orientation: annotation.orientation,
    };
    let bytes = fs_err::read(images.join(&annotation.path))?;
    let thumbnail = Thumbnail::of(&decode_annotated(&bytes, annotated)?, resizer)?;
    Ok((Descriptor::of(&thumbnail, (width, height)), thumbnail))
}

/// The file of thumbnails: what memory would not hold of a large collection.
struct Thumbnails(File);

impl Thumbnails {
    fn read(&self, image: usize) -> anyhow::Result<Thumbnail> {
        let mut bytes = vec![0; Thumbnail::BYTES];
        self.0
            .read_exact_at(&mut bytes, (image * Thumbnail::BYTES) as u64)?;
        Thumbnail::from_bytes(bytes).context("a thumbnail of another size")
    }
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
