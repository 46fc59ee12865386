//! Stage `fingerprint`: perceptual hashes, by which near-duplicates are found.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use dataset::{Resizer, decode_annotated, perceptual_hash};
use rayon::prelude::*;
use serde::Deserialize;
use stage::{Input, InputPath, Output, Progress};
use tables::annotation::Annotation;
use tables::fingerprint::Fingerprint;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The folder of the pictures.
    images: InputPath,
    /// The pictures.
    annotations: Input<Annotation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// A hash for each picture.
    fingerprints: Output<Fingerprint>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(_: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let annotations = inputs.annotations.read()?;
    let progress = Progress::start("pictures", annotations.len());
    let rows: anyhow::Result<Vec<Fingerprint>> = annotations
        .par_iter()
        .map_init(Resizer::default, |resizer, annotation| {
            let row = fingerprint(&inputs.images, annotation, resizer)
                .with_context(|| format!("`{}`", annotation.path));
            progress.advance(1);
            row
        })
        .collect();
    outputs.fingerprints.write(rows?)
}

fn fingerprint(
    images: &Path,
    annotation: &Annotation,
    resizer: &mut Resizer,
) -> anyhow::Result<Fingerprint> {
    let bytes = fs_err::read(images.join(&annotation.path))?;
    let picture = decode_annotated(&bytes, (annotation.width, annotation.height))?;
    let hash = perceptual_hash(&picture, resizer)?;
    Ok(Fingerprint {
        path: annotation.path.clone(),
        hash: format!("{hash:016x}"),
    })
}
