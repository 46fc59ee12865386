//! A folder's images decoded and resized, as stage `decode` does it.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::Context;
use collection::read_image;
use fs_err::File;
use images::{Geometry, Limits, Orient, PixelsWriter, Resizer, Rgb, resize};
use rayon::prelude::*;
use table_annotations::Annotation;
use thumbnails::{Thumbnail, ThumbnailsWriter};

/// Side of the networks' input.
pub(crate) const SIDE_PX: u32 = 224;

/// Files decoded before their pixels are written: that of the stage.
const CHUNK: usize = 64;

/// Limits by default.
const LIMITS: Limits = Limits {
    pixels: 100_000_000,
    aspect: 20,
};

/// Decoded images.
pub(crate) struct Decoded {
    /// Paths below the folder.
    pub(crate) paths: Vec<String>,
    /// File of their pixels.
    pub(crate) pixels: PathBuf,
}

/// Decodes the files of `folder`, resizes them for inputs of [`SIDE_PX`], and writes pixels and thumbnails to the folder
/// `out`. Files that cannot be decoded are left out.
///
/// # Errors
/// A file cannot be written, or an image not be resized.
pub(crate) fn decode(folder: &Path, files: &[String], out: &Path) -> anyhow::Result<Decoded> {
    fs_err::create_dir_all(out)?;
    let geometry = Geometry::new(SIDE_PX)?;
    let path = out.join("pixels");
    let mut pixels = PixelsWriter::new(BufWriter::new(File::create(&path)?), geometry)?;
    let thumbnails = BufWriter::new(File::create(out.join("thumbnails"))?);
    let mut thumbnails = ThumbnailsWriter::new(thumbnails);
    let mut paths = Vec::with_capacity(files.len());
    for chunk in files.chunks(CHUNK) {
        let images = chunk
            .par_iter()
            .map_init(Resizer::default, |resizer, file| {
                let image = image(&folder.join(file), geometry, resizer);
                image.with_context(|| format!("`{file}`"))
            });
        let images: Vec<anyhow::Result<Option<Image>>> = images.collect();
        for (file, image) in chunk.iter().zip(images) {
            if let Some((size, kept, thumbnail)) = image? {
                pixels.append(file, size, &kept)?;
                thumbnails.append(&thumbnail)?;
                paths.push(file.clone());
            }
        }
    }
    pixels.finish()?;
    thumbnails.finish()?;
    Ok(Decoded {
        paths,
        pixels: path,
    })
}

/// Width and height, pixels and thumbnail of an image.
type Image = ((u32, u32), Rgb, Thumbnail);

/// The image in a file; none if it cannot be decoded.
fn image(path: &Path, geometry: Geometry, resizer: &mut Resizer) -> anyhow::Result<Option<Image>> {
    let Ok((facts, image)) = read_image(path, LIMITS, Orient::by(true)) else {
        return Ok(None);
    };
    let kept = resize(&image, geometry, resizer)?;
    let thumbnail = Thumbnail::of(&image, resizer)?;
    Ok(Some(((facts.width, facts.height), kept, thumbnail)))
}

impl Decoded {
    /// `n` images, or all, spread over the folder.
    pub(crate) fn some(&self, n: usize) -> Vec<String> {
        let n = n.min(self.paths.len());
        let spread = (0..n).map(|i| i * self.paths.len() / n);
        spread.map(|at| self.paths[at].clone()).collect()
    }
}

/// Rows of table `annotations` for `paths`, of `n_classes` classes in turn.
pub(crate) fn annotations(paths: &[String], n_classes: usize) -> Vec<Annotation> {
    let classes = (0..n_classes).cycle();
    let row = |(path, class): (&String, usize)| Annotation {
        path: path.clone(),
        label: format!("class {class}"),
        author: None,
        title: String::new(),
        class_index: u32::try_from(class).expect("few classes"),
        split: None,
        width: 1,
        height: 1,
        orientation: 1,
        format: "jpeg".to_owned(),
        bytes: 1,
        content_hash: String::new(),
    };
    paths.iter().zip(classes).map(row).collect()
}
