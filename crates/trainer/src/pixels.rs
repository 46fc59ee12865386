//! Decoded images as inputs of a training.

use std::path::Path;

use images::{Augmentation, Pixels, Preprocess, augment};
use random::{Seed, Stream};
use table_annotations::Annotation;

use crate::batches::{ImageSource, Transform};
use crate::{TrainError, streams};

/// A file of decoded images, read on demand.
pub struct DecodedImages {
    pixels: Pixels,
    preprocess: Preprocess,
    positions: Vec<usize>, // [N], in the file
    augmentation: Option<Augmented>,
}

struct Augmented {
    how: Augmentation,
    draws: Stream,
}

impl DecodedImages {
    /// The images of `annotations` in the file `path`, which is decoded for inputs of `side_px`.
    ///
    /// # Errors
    /// The file cannot be read, is decoded for another side, or lacks one of the images.
    pub fn open(path: &Path, annotations: &[Annotation], side_px: u32) -> Result<Self, TrainError> {
        let pixels = Pixels::open(path)?;
        if pixels.side_px() != side_px {
            return Err(TrainError::Side {
                pixels: pixels.side_px(),
                expected: side_px,
            });
        }
        let position = |row: &Annotation| {
            let found = pixels.position(&row.path);
            found.ok_or_else(|| TrainError::NoPixels(row.path.clone()))
        };
        Ok(Self {
            positions: annotations.iter().map(position).collect::<Result<_, _>>()?,
            preprocess: Preprocess::new(pixels.geometry()),
            pixels,
            augmentation: None,
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
}

impl ImageSource for DecodedImages {
    fn side_px(&self) -> usize {
        self.pixels.side_px() as usize
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
                let side_px = self.pixels.side_px();
                augment(&decoded, &augmented.how, side_px, &mut rng, values);
            }
            _ => self.preprocess.write(&decoded, values),
        }
        Ok(())
    }
}
