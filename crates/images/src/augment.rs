//! Random variations of an image, as the network sees them in training.
//!
//! The order is the study's: rotation about the center, horizontal flip, color jitter, random erasing, center crop,
//! normalization (torchvision's `RandomRotation`, `RandomHorizontalFlip`, `ColorJitter`, `RandomErasing`). Three things
//! differ from torchvision, where each step makes a whole new image of bytes:
//!
//! - the image is resized before and not after, so that it's done once and not in every epoch;
//! - rotation, flip and crop are one step that samples the network's input alone, by a cubic kernel where torchvision
//!   takes the nearest pixel, and colors aren't rounded to bytes in between;
//! - the mean that contrast pulls towards is that of the crop, where torchvision's is of the whole image.
//!
//! Two settings change it, as in today's recipes: a random crop in place of the center (`RandomResizedCrop`), which is
//! resized in the same step, and TrivialAugment (`TrivialAugmentWide`) in place of rotation and color jitter. The order is
//! then torchvision's: crop, flip, TrivialAugment, erasing. A random crop is one of the stored image, whose pixels it
//! magnifies where it is smaller than the network's input.

mod color;
mod crop;
mod erase;
mod rounding;
mod sampler;
mod transform;
mod trivial;

use rand::Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use color::Change;
use erase::BlankRectangle;
use transform::{Affine, Frame, Transform};
use trivial::Operation;

use crate::input::normalize;
use crate::resample::Window;
use crate::{ImageError, NetworkSize, ResizedImage};

/// Ranges of the random variations.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, try_from = "Fields")]
pub struct Augmentation {
    crop_area: f32,
    trivial: bool,
    rotation_deg: f32,
    flip: bool,
    brightness: f32,
    contrast: f32,
    saturation: f32,
    erase_probability: f32,
}

/// The fields before their ranges are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Least share of the image's area in a random crop, above 0; 1 for the center crop.
    crop_area: f32,
    /// TrivialAugment in place of rotation and color jitter.
    trivial: bool,
    /// Largest rotation either way, in degrees, 0 to 180.
    rotation_deg: f32,
    /// Mirrors half of the images.
    flip: bool,
    /// Brightness is multiplied by `1 - x` to `1 + x`, x from 0 to 1.
    brightness: f32,
    /// Contrast likewise.
    contrast: f32,
    /// Saturation likewise.
    saturation: f32,
    /// Share of images that lose a rectangle, 0 to 1.
    erase_probability: f32,
}

impl TryFrom<Fields> for Augmentation {
    type Error = ImageError;

    fn try_from(fields: Fields) -> Result<Self, ImageError> {
        let unit = |name, value: f32| match (0.0..=1.0).contains(&value) {
            true => Ok(value),
            false => Err(ImageError::Augmentation {
                name,
                value,
                expected: "a number from 0 to 1",
            }),
        };
        if fields.crop_area <= 0.0 {
            return Err(ImageError::Augmentation {
                name: "crop_area",
                value: fields.crop_area,
                expected: "a share above 0, up to 1 for the center crop",
            });
        }
        if !(0.0..=180.0).contains(&fields.rotation_deg) {
            return Err(ImageError::Augmentation {
                name: "rotation_deg",
                value: fields.rotation_deg,
                expected: "degrees from 0 to 180",
            });
        }
        Ok(Self {
            crop_area: unit("crop_area", fields.crop_area)?,
            trivial: fields.trivial,
            rotation_deg: fields.rotation_deg,
            flip: fields.flip,
            brightness: unit("brightness", fields.brightness)?,
            contrast: unit("contrast", fields.contrast)?,
            saturation: unit("saturation", fields.saturation)?,
            erase_probability: unit("erase_probability", fields.erase_probability)?,
        })
    }
}

impl Augmentation {
    /// Crops lie at the border of the image, too.
    pub fn needs_whole_image(&self) -> bool {
        self.crop_area < 1.0
    }
}

/// Writes a random variation of the image for an input of `size`, normalized by [`MEAN`] and [`STD`], to `out`
/// `[side, side, 3]`.
///
/// Places beyond the image, or beyond a random crop, and in the erased rectangle are black.
///
/// # Panics
/// `out` is not `side · side · 3` long.
///
/// [`MEAN`]: crate::MEAN
/// [`STD`]: crate::STD
pub fn augment(
    image: &ResizedImage<'_>,
    how: &Augmentation,
    size: NetworkSize,
    rng: &mut impl Rng,
    out: &mut [f32],
) {
    let side = size.side_px as usize;
    assert_eq!(
        out.len(),
        side * side * 3,
        "`out` holds side · side · 3 values"
    );
    let draw = Draw::new(image, how, size, rng);
    Transform::new(draw.frame, draw.affine).sample(image, out);
    for change in draw.changes {
        change.apply(side, out);
    }
    if let Some(erased) = draw.erased {
        erased.apply(draw.canvas, size.side_px, out);
    }
    normalize(out);
}

/// Random draws for one image.
struct Draw {
    frame: Frame,
    affine: Affine,
    changes: Vec<Change>,
    /// Width and height of what the rectangle is drawn in; the input is its center crop.
    canvas: (u32, u32),
    erased: Option<BlankRectangle>,
}

impl Draw {
    fn new(
        image: &ResizedImage<'_>,
        how: &Augmentation,
        size: NetworkSize,
        rng: &mut impl Rng,
    ) -> Self {
        let (frame, canvas) = if how.needs_whole_image() {
            let window = crop::random_window(image, how.crop_area, rng);
            let frame = Frame::part(window, size.side_px);
            (frame, (size.side_px, size.side_px))
        } else {
            (Frame::center(image, size), size.whole)
        };
        let (frame, affine, changes) = if how.trivial {
            let (affine, changes) = trivial(how, size, rng);
            (frame, affine, changes)
        } else {
            // A rotation brings in what lies beyond the crop.
            let is_turned = how.rotation_deg > 0.0;
            let frame = if is_turned {
                frame.reading(Window::whole(image))
            } else {
                frame
            };
            let (affine, changes) = rotated_and_jittered(how, rng);
            (frame, affine, changes)
        };
        let erased = (rng.random::<f32>() < how.erase_probability)
            .then(|| BlankRectangle::draw(canvas, rng))
            .flatten();
        Self {
            frame,
            affine,
            changes,
            canvas,
            erased,
        }
    }
}

fn rotated_and_jittered(how: &Augmentation, rng: &mut impl Rng) -> (Affine, Vec<Change>) {
    let rotation = Affine::rotation(rng.random_range(-how.rotation_deg..=how.rotation_deg));
    let flip = rng.random::<f32>() < 0.5 && how.flip;
    let mut factor = |x: f32| rng.random_range(1.0 - x..=1.0 + x);
    let mut changes = vec![
        Change::Brightness(factor(how.brightness)),
        Change::Contrast(factor(how.contrast)),
        Change::Saturation(factor(how.saturation)),
    ];
    changes.shuffle(rng);
    let affine = if flip {
        rotation.mirrored_after()
    } else {
        rotation
    };
    (affine, changes)
}

fn trivial(how: &Augmentation, size: NetworkSize, rng: &mut impl Rng) -> (Affine, Vec<Change>) {
    let flip = rng.random::<f32>() < 0.5 && how.flip;
    let (affine, changes) = match Operation::draw(size.side_px, rng) {
        Operation::Geometric(affine) => (affine, Vec::new()),
        Operation::Color(change) => (Affine::IDENTITY, vec![change]),
    };
    let affine = if flip {
        affine.mirrored_before()
    } else {
        affine
    };
    (affine, changes)
}

#[cfg(test)]
mod tests;
