//! Data of the cases, made once: drawn from fixed seeds, or read from a folder of images.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use painter::{commissions, folders};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use random::Seed;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::decoded::{Decoded, decode};

/// Classes of all drawn data.
pub(crate) const CLASSES: usize = 8;

/// Images of each of the painter's eight styles.
const PAINTED: usize = 40;

/// Authors of each style that has authors.
const AUTHORS: usize = 9;

/// Fewest images that the cases of images are measured on.
const LEAST_IMAGES: usize = 16;

/// Folder and settings of the measurements.
pub(crate) struct Workbench {
    folder: PathBuf,
    images: Option<PathBuf>,
    sample: usize,
    decoded: OnceCell<Collection>,
}

/// A folder of images, decoded.
pub(crate) struct Collection {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// Its images, without files that cannot be decoded.
    pub(crate) decoded: Decoded,
}

/// Points with labels.
pub(crate) struct Points {
    /// `[N][D]`.
    pub(crate) rows: Vec<Vec<f32>>,
    /// `[N]`, each below [`CLASSES`].
    pub(crate) labels: Vec<usize>,
}

impl Workbench {
    /// A workbench in `folder`, with the images of the folder `images`, or else painted ones. Cases that take some images
    /// take `sample` of them, at most.
    pub(crate) fn new(folder: PathBuf, images: Option<PathBuf>, sample: usize) -> Self {
        Self {
            folder,
            images,
            sample,
            decoded: OnceCell::new(),
        }
    }

    /// Path of a file or folder that a case makes.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Number of the images of cases that take some.
    pub(crate) fn sample(&self) -> usize {
        self.sample
    }

    /// The images, painted and decoded at the first call.
    ///
    /// # Errors
    /// The folder cannot be read or has too few images.
    pub(crate) fn collection(&self) -> anyhow::Result<&Collection> {
        if let Some(collection) = self.decoded.get() {
            return Ok(collection);
        }
        let folder = match &self.images {
            Some(folder) => folder.clone(),
            None => self.paint()?,
        };
        let files = collection::scan(&folder)?.files;
        let decoded = decode(&folder, &files, &self.path("decoded"))?;
        ensure!(
            decoded.paths.len() >= LEAST_IMAGES,
            "found {} images in `{}`, expected at least {LEAST_IMAGES}: `--images` names another folder",
            decoded.paths.len(),
            folder.display()
        );
        Ok(self.decoded.get_or_init(|| Collection { folder, decoded }))
    }

    fn paint(&self) -> anyhow::Result<PathBuf> {
        let folder = self.path("images");
        for style in folders() {
            fs_err::create_dir_all(folder.join(style))?;
        }
        let commissions = commissions(seed(), PAINTED, AUTHORS);
        commissions.par_iter().try_for_each(|commission| {
            let bytes = painter::paint(commission, seed())
                .with_context(|| format!("cannot paint `{}`", commission.path()))?;
            Ok::<_, anyhow::Error>(fs_err::write(folder.join(commission.path()), bytes)?)
        })?;
        Ok(folder)
    }

    /// Writes `values` as an array of the given shape for Python, and returns its description.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn floats(
        &self,
        name: &str,
        shape: &[usize],
        values: &[f32],
    ) -> anyhow::Result<Value> {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.array(name, "<f4", shape, &bytes.collect::<Vec<u8>>())
    }

    /// Writes whole numbers as an array of one dimension for Python, and returns its description.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn integers(&self, name: &str, values: &[usize]) -> anyhow::Result<Value> {
        let bytes = values
            .iter()
            .flat_map(|&value| (value as u64).to_le_bytes());
        self.array(name, "<i8", &[values.len()], &bytes.collect::<Vec<u8>>())
    }

    fn array(
        &self,
        name: &str,
        dtype: &str,
        shape: &[usize],
        bytes: &[u8],
    ) -> anyhow::Result<Value> {
        let path = self.path(name);
        fs_err::write(&path, bytes)?;
        Ok(json!({ "path": text(&path)?, "dtype": dtype, "shape": shape }))
    }
}

impl Points {
    /// Points of `n` images in `n_dimensions`, around a center for each class: as embeddings of a network, whose classes
    /// overlap.
    pub(crate) fn draw(name: &str, n: usize, n_dimensions: usize) -> Self {
        let mut rng = rng(name);
        let centers = normal(&mut rng, CLASSES * n_dimensions);
        let labels: Vec<usize> = (0..n).map(|_| rng.random_range(0..CLASSES)).collect();
        let row = |&label: &usize| {
            let center = &centers[label * n_dimensions..(label + 1) * n_dimensions];
            let noise = normal(&mut rng, n_dimensions);
            center
                .iter()
                .zip(noise)
                .map(|(at, noise)| at + noise)
                .collect()
        };
        Self {
            rows: labels.iter().map(row).collect(),
            labels,
        }
    }

    /// All coordinates, row by row.
    pub(crate) fn flat(&self) -> Vec<f32> {
        self.rows.concat()
    }
}

/// The seed of all data.
pub(crate) fn seed() -> Seed {
    Seed::new(7)
}

/// Generator of the data called `name`.
pub(crate) fn rng(name: &str) -> ChaCha8Rng {
    seed().stream(name).rng()
}

/// `n` numbers of the standard normal distribution.
pub(crate) fn normal(rng: &mut ChaCha8Rng, n: usize) -> Vec<f32> {
    rng.sample_iter(StandardNormal).take(n).collect()
}

/// A path as text, for a request.
///
/// # Errors
/// It is no Unicode.
pub(crate) fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str()
        .with_context(|| format!("the path `{}` is no Unicode", path.display()))
}
