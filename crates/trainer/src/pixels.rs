//! Decoded images as inputs of a training.

use std::path::Path;

use images::{Augmentation, Evaluation, Geometry, NetworkSize, Pixels, Preprocess, View, augment};
use random::{Seed, Stream};
use table_annotations::Annotation;

use crate::batches::{ImageSource, Transform};
use crate::mixing::{Mixer, Mixing, Mixture};
use crate::{TrainError, streams};

/// A file of decoded images, read on demand.
pub struct DecodedImages {
    pixels: Pixels,
    positions: Vec<usize>, // [N], in the file
    /// Of the network's input in a training.
    geometry: Geometry,
    preprocess: Preprocess,
    augmentation: Option<Augmented>,
    mixer: Option<Mixer>,
    evaluation: Evaluated,
}

struct Augmented {
    how: Augmentation,
    draws: Stream,
}

struct Evaluated {
    geometry: Geometry,
    preprocess: Preprocess,
    views: Vec<View>,
}

impl DecodedImages {
    /// The images of `annotations` in the file `path`, as inputs of `side_px`. A file of images for a larger side serves as
    /// well; they are resized once more.
    ///
    /// # Errors
    /// The file cannot be read, is decoded for a smaller side, or lacks one of the images.
    pub fn open(path: &Path, annotations: &[Annotation], side_px: u32) -> Result<Self, TrainError> {
        let pixels = Pixels::open(path)?;
        let position = |row: &Annotation| {
            let found = pixels.position(&row.path);
            found.ok_or_else(|| TrainError::NoPixels(row.path.clone()))
        };
        let geometry = geometry(&pixels, side_px)?;
        Ok(Self {
            positions: annotations.iter().map(position).collect::<Result<_, _>>()?,
            geometry,
            preprocess: Preprocess::of_stored(geometry, pixels.geometry()),
            augmentation: None,
            mixer: None,
            evaluation: Evaluated::new(&pixels, geometry, vec![View::CENTER]),
            pixels,
        })
    }

    /// Augments training samples by `how`, with draws named by epoch and image.
    #[must_use]
    pub fn augmented(self, how: Augmentation, seed: Seed) -> Self {
        Self {
            augmentation: Some(Augmented {
                how,
                draws: seed.stream(streams::AUGMENT),
            }),
            ..self
        }
    }

    /// Mixes the batches of training samples by `mixing`, with draws named by epoch and step.
    #[must_use]
    pub fn mixed(self, mixing: Mixing, seed: Seed) -> Self {
        Self {
            mixer: Some(Mixer::new(mixing, seed)),
            ..self
        }
    }

    /// Evaluates images by the views of `evaluation`.
    ///
    /// # Errors
    /// Its side is smaller than that of the training, or larger than that of the file.
    pub fn evaluated(self, evaluation: Evaluation) -> Result<Self, TrainError> {
        let side_px = evaluation.side_px(self.geometry.side_px())?;
        let geometry = geometry(&self.pixels, side_px)?;
        Ok(Self {
            evaluation: Evaluated::new(&self.pixels, geometry, evaluation.views()),
            ..self
        })
    }

    /// Sizes of the input by `transform`.
    fn geometry(&self, transform: Transform) -> Geometry {
        match transform {
            Transform::Augmented { .. } => self.geometry,
            Transform::View(_) => self.evaluation.geometry,
        }
    }
}

impl Evaluated {
    fn new(pixels: &Pixels, geometry: Geometry, views: Vec<View>) -> Self {
        Self {
            geometry,
            preprocess: Preprocess::of_stored(geometry, pixels.geometry()),
            views,
        }
    }
}

/// Sizes for inputs of `side_px`, of which the file has at least as many pixels.
fn geometry(pixels: &Pixels, side_px: u32) -> Result<Geometry, TrainError> {
    if pixels.side_px() < side_px {
        return Err(TrainError::Side {
            pixels: pixels.side_px(),
            expected: side_px,
        });
    }
    Ok(Geometry::new(side_px)?)
}

impl ImageSource for DecodedImages {
    fn side_px(&self, transform: Transform) -> usize {
        self.geometry(transform).side_px() as usize
    }

    fn views(&self) -> &[View] {
        &self.evaluation.views
    }

    fn mixture(&self, epoch: usize, step: usize) -> Option<Mixture> {
        let side = self.geometry.side_px() as usize;
        self.mixer.as_ref()?.draw(epoch, step, side)
    }

    fn prepare(
        &self,
        image: usize,
        transform: Transform,
        buffer: &mut Vec<u8>,
        values: &mut [f32],
    ) -> Result<(), TrainError> {
        let decoded = self.pixels.read(self.positions[image], buffer)?;
        match (transform, &self.augmentation) {
            (Transform::Augmented { epoch, repeat }, Some(augmented)) => {
                // Numbers from the count of images on are those of repeated samples.
                let sample = image + repeat * self.positions.len();
                let mut rng = augmented.draws.at(epoch as u64, sample as u64);
                let size = NetworkSize::of(&decoded, self.pixels.geometry(), self.geometry);
                augment(&decoded, &augmented.how, size, &mut rng, values);
            }
            (Transform::Augmented { .. }, None) => {
                self.preprocess.write(&decoded, View::CENTER, values);
            }
            (Transform::View(view), _) => self.evaluation.preprocess.write(&decoded, view, values),
        }
        Ok(())
    }
}
