//! Stage `decode`: every picture is decoded and resized once, into one file of pixels.

use std::io::BufWriter;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use images::{Annotated, Geometry, PixelsWriter, Resizer, Rgb, decode_annotated, resize};
use rayon::prelude::*;
use serde::Deserialize;
use stage::{Input, InputPath, OutputPath, Progress};
use table_annotations::Annotation;
use tracing::info;

/// Pictures decoded before they are written: what bounds memory.
const CHUNK: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Side of the network's input in pixels, 8 to 2048; the short side is stored at 256/224 of it.
    side_px: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    annotations: Input<Annotation>,
    images: InputPath,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    pixels: OutputPath,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let geometry = Geometry::new(params.side_px).context("`side_px`")?;
    let annotations = inputs.annotations.read()?;
    let out = BufWriter::new(fs_err::File::create(&*outputs.pixels)?);
    let sizes = annotations
        .iter()
        .map(|picture| (picture.path.as_str(), picture.width, picture.height));
    let mut writer = PixelsWriter::new(out, geometry, sizes)?;
    let progress = Progress::start("pictures", annotations.len());
    for chunk in annotations.chunks(CHUNK) {
        let pictures: Vec<anyhow::Result<Rgb>> = chunk
            .par_iter()
            .map_init(Resizer::default, |resizer, annotation| {
                let picture = pixels_of(&inputs.images, annotation, geometry, resizer)
                    .with_context(|| format!("`{}`", annotation.path));
                progress.advance(1);
                picture
            })
            .collect();
        for picture in pictures {
            writer.append(&picture?)?;
        }
    }
    writer.finish()?;
    info!(
        "{} pictures, short side {} pixels",
        annotations.len(),
        geometry.resize_px()
    );
    Ok(())
}

fn pixels_of(
    images: &Path,
    annotation: &Annotation,
    geometry: Geometry,
    resizer: &mut Resizer,
) -> anyhow::Result<Rgb> {
    let bytes = fs_err::read(images.join(&annotation.path))?;
    let annotated = Annotated {
        width: annotation.width,
        height: annotation.height,
        orientation: annotation.orientation,
    };
    let picture = decode_annotated(&bytes, annotated)?;
    Ok(resize(&picture, geometry, resizer)?)
}
