//! Stage `decode`: every file of the folder is read and decoded once. Images become pixels for networks and thumbnails
//! for the search for near-duplicates; table `images` has their sizes, and the faults of all other files.

use std::io::BufWriter;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use collection::{FileFault, ImageFacts, image_row, read_image, scan};
use fs_err::File;
use images::{Evaluation, Geometry, Limits, Orient, PixelsWriter, Resizer, Rgb, resize};
use rayon::prelude::*;
use serde::Deserialize;
use stage::{InputPath, Output, OutputPath, Progress};
use table_images::Image;
use thumbnails::{Thumbnail, ThumbnailsWriter};
use tracing::info;

/// Files decoded before their pixels are written, which bounds memory.
const CHUNK: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Side of the network's input in a training, in pixels, 8 to 2048; the short side is stored at 256/224 of it, or of
    /// the side in an evaluation.
    side_px: u32,
    /// Least share of the image's area in a random crop; below 1 the whole long side is stored.
    crop_area: f32,
    /// Side of the network's input in an evaluation; 0 for that of the training.
    evaluation_px: u32,
    /// Crops of an image in an evaluation, 1 or 5; with several the whole long side is stored.
    crops: u32,
    /// Applies the orientation in an image's metadata.
    exif_orientation: bool,
    /// Width times height of the largest image that is decoded.
    max_pixels: u64,
    /// The long side over the short one of the most elongated image that is decoded.
    max_aspect: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The folder of images.
    folder: InputPath,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    images: Output<Image>,
    /// The pixels of each image, by path.
    pixels: OutputPath,
    /// The thumbnail of each image, in the order of the rows of `images` without a fault.
    thumbnails: OutputPath,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let decoder = Decoder {
        geometry: geometry(&params)?,
        limits: Limits {
            pixels: params.max_pixels,
            aspect: params.max_aspect,
        },
        orient: Orient::by(params.exif_orientation),
    };
    let files = scan(&inputs.folder)?.files;
    let mut pixels = PixelsWriter::new(create(&outputs.pixels)?, decoder.geometry)?;
    let mut thumbnails = ThumbnailsWriter::new(create(&outputs.thumbnails)?);
    let mut rows = Vec::with_capacity(files.len());
    let progress = Progress::start("images", files.len());
    for chunk in files.chunks(CHUNK) {
        let decoded = chunk
            .par_iter()
            .map_init(Resizer::default, |resizer, path| {
                let decoded = decoder.decode(&inputs.folder.join(path), resizer);
                progress.advance(1);
                decoded.with_context(|| format!("`{path}`"))
            });
        let decoded: Vec<anyhow::Result<Decoded>> = decoded.collect();
        for (path, decoded) in chunk.iter().zip(decoded) {
            let result = match decoded? {
                Ok((facts, kept, thumbnail)) => {
                    pixels.append(path, (facts.width, facts.height), &kept)?;
                    thumbnails.append(&thumbnail)?;
                    Ok(facts)
                }
                Err(fault) => Err(fault),
            };
            rows.push(image_row(path, result));
        }
    }
    pixels.finish()?;
    thumbnails.finish()?;
    info!(
        "{} images among {} files, short side {} pixels",
        rows.iter().filter(|row| row.fault.is_none()).count(),
        files.len(),
        decoder.geometry.resize_px()
    );
    outputs.images.write(rows)
}

/// Sizes that suffice for training and evaluation.
fn geometry(params: &Params) -> anyhow::Result<Geometry> {
    let geometry = Geometry::new(params.side_px).context("`side_px`")?;
    // Mirror images need no other pixels.
    let evaluation = Evaluation::new(false, params.crops, params.evaluation_px)?;
    let side_px = evaluation.side_px(params.side_px)?;
    let geometry = match side_px == params.side_px {
        true => geometry,
        false => Geometry::new(side_px).context("`evaluation.side_px`")?,
    };
    Ok(
        match params.crop_area < 1.0 || evaluation.needs_whole_image() {
            true => geometry.whole(),
            false => geometry,
        },
    )
}

fn create(path: &OutputPath) -> std::io::Result<BufWriter<File>> {
    Ok(BufWriter::new(File::create(&**path)?))
}

struct Decoder {
    geometry: Geometry,
    limits: Limits,
    orient: Orient,
}

/// Facts, kept pixels and thumbnail of an image, or the fault of the file.
type Decoded = Result<(ImageFacts, Rgb, Thumbnail), FileFault>;

impl Decoder {
    /// The only place where a file of the folder is opened.
    fn decode(&self, path: &Path, resizer: &mut Resizer) -> anyhow::Result<Decoded> {
        let (facts, image) = match read_image(path, self.limits, self.orient) {
            Ok(file) => file,
            Err(fault) => return Ok(Err(fault)),
        };
        let kept = resize(&image, self.geometry, resizer)?;
        let thumbnail = Thumbnail::of(&image, resizer)?;
        Ok(Ok((facts, kept, thumbnail)))
    }
}
