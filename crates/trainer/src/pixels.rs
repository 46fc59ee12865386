//! The decoded pictures of a study, as a training looks at them.

use std::path::Path;

use images::{Augmentation, Pixels, Preprocess, augment};
use random::{Seed, Stream};
use table_annotations::Annotation;

use crate::batches::{Pictures, View};
use crate::{TrainError, streams};

/// A file of decoded pictures, read on demand.
pub struct PixelPictures {
    pixels: Pixels,
    preprocess: Preprocess,
    positions: Vec<usize>, // [N], in the file
    augmentation: Option<Augmented>,
}

struct Augmented {
    how: Augmentation,
    draws: Stream,
}

impl PixelPictures {
    /// The pictures of `annotations` in the file `path`, which is decoded for a network that sees `side_px`.
    ///
    /// # Errors
    /// The file cannot be read, is decoded for another side, or lacks one of the pictures.
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

    /// Varies augmented views by `how`, with draws named by epoch and picture.
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

impl Pictures for PixelPictures {
    fn side_px(&self) -> usize {
        self.pixels.side_px() as usize
    }

    fn prepare(
        &self,
        image: usize,
        view: View,
        buffer: &mut Vec<u8>,
        values: &mut [f32],
    ) -> Result<(), TrainError> {
        let picture = self.pixels.read(self.positions[image], buffer)?;
        match (view, &self.augmentation) {
            (View::Augmented { epoch, repeat }, Some(augmented)) => {
                // Numbers beyond the pictures' own are those of repeated looks.
                let look = image + repeat * self.positions.len();
                let mut rng = augmented.draws.at(epoch as u64, look as u64);
                let side_px = self.pixels.side_px();
                augment(&picture, &augmented.how, side_px, &mut rng, values);
            }
            _ => self.preprocess.write(&picture, values),
        }
        Ok(())
    }
}
