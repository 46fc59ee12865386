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

use rand::Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::{ImageError, MEAN, ResizedImage, STD, center_offset};

/// Ranges of the random variations.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, try_from = "Fields")]
pub struct Augmentation {
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
        if !(0.0..=180.0).contains(&fields.rotation_deg) {
            return Err(ImageError::Augmentation {
                name: "rotation_deg",
                value: fields.rotation_deg,
                expected: "degrees from 0 to 180",
            });
        }
        Ok(Self {
            rotation_deg: fields.rotation_deg,
            flip: fields.flip,
            brightness: unit("brightness", fields.brightness)?,
            contrast: unit("contrast", fields.contrast)?,
            saturation: unit("saturation", fields.saturation)?,
            erase_probability: unit("erase_probability", fields.erase_probability)?,
        })
    }
}

/// Writes a random variation of the image's center, normalized by [`MEAN`] and [`STD`], to `out` `[side, side, 3]`.
///
/// Places beyond the image and in the erased rectangle are black.
///
/// # Panics
/// `out` is not `side · side · 3` long.
pub fn augment(
    image: &ResizedImage<'_>,
    how: &Augmentation,
    side: u32,
    rng: &mut impl Rng,
    out: &mut [f32],
) {
    assert_eq!(
        out.len(),
        side as usize * side as usize * 3,
        "`out` holds side · side · 3 values"
    );
    let draw = Draw::new(image, how, rng);
    let transform = Transform::new(image, side, draw.rotation_deg, draw.flip);
    transform.sample(image, out);
    for &change in &draw.changes {
        change.apply(out);
    }
    if let Some(erased) = draw.erased {
        erased.apply(image, side, out);
    }
    normalize(out);
}

/// Random draws for one image.
struct Draw {
    rotation_deg: f32,
    flip: bool,
    changes: [Change; 3],
    erased: Option<BlankRectangle>,
}

impl Draw {
    fn new(image: &ResizedImage<'_>, how: &Augmentation, rng: &mut impl Rng) -> Self {
        let rotation_deg = rng.random_range(-how.rotation_deg..=how.rotation_deg);
        let flip = rng.random::<f32>() < 0.5 && how.flip;
        let mut factor = |x: f32| rng.random_range(1.0 - x..=1.0 + x);
        let mut changes = [
            Change::Brightness(factor(how.brightness)),
            Change::Contrast(factor(how.contrast)),
            Change::Saturation(factor(how.saturation)),
        ];
        changes.shuffle(rng);
        let erased = (rng.random::<f32>() < how.erase_probability)
            .then(|| BlankRectangle::draw(image, rng))
            .flatten();
        Self {
            rotation_deg,
            flip,
            changes,
            erased,
        }
    }
}

/// Places of the crop's pixels in the image: `at(column, row) = origin + column · right + row · down`, in units of
/// pixels, with a pixel's center at its index.
struct Transform {
    side: usize,
    origin: [f32; 2],
    right: [f32; 2],
    down: [f32; 2],
}

impl Transform {
    fn new(image: &ResizedImage<'_>, side: u32, rotation_deg: f32, flip: bool) -> Self {
        let (sin, cos) = rotation_deg.to_radians().sin_cos();
        let mirror = if flip { -1.0 } else { 1.0 };
        // The first pixel's center, relative to the image's center.
        let start = |whole: u32| center_offset(whole, side) as f32 + 0.5 - whole as f32 / 2.0;
        let (x, y) = (start(image.width) * mirror, start(image.height));
        Self {
            side: side as usize,
            origin: [
                x * cos - y * sin + image.width as f32 / 2.0 - 0.5,
                x * sin + y * cos + image.height as f32 / 2.0 - 0.5,
            ],
            right: [mirror * cos, mirror * sin],
            down: [-sin, cos],
        }
    }

    /// Samples the image; values in `[0, 255]`, black beyond it.
    fn sample(&self, image: &ResizedImage<'_>, out: &mut [f32]) {
        let sampler = Sampler::new(image);
        for (row, line) in out.chunks_exact_mut(self.side * 3).enumerate() {
            let row = row as f32;
            let x = self.origin[0] + row * self.down[0];
            let y = self.origin[1] + row * self.down[1];
            for (column, target) in line.chunks_exact_mut(3).enumerate() {
                let column = column as f32;
                let value = sampler.at(x + column * self.right[0], y + column * self.right[1]);
                target.copy_from_slice(&value);
            }
        }
    }
}

/// Pixels along an axis that a sample is made of.
const TAPS: usize = 4;

/// Reading of an image between its pixels by cubic convolution.
///
/// Bilinear reading would blur: it leaves a training image three quarters of the fine detail (mean of the absolute
/// Laplacian) that the same image has in an evaluation, where it isn't turned; cubic reading leaves all but a fortieth.
struct Sampler<'a> {
    pixels: &'a [u8],
    width: usize,
    height: usize,
    stride: usize,
    /// Largest column and row at which all taps lie in the image.
    inner: [f32; 2],
}

impl<'a> Sampler<'a> {
    fn new(image: &ResizedImage<'a>) -> Self {
        let (width, height) = (image.width as usize, image.height as usize);
        Self {
            pixels: image.pixels,
            width,
            height,
            stride: width * 3,
            inner: [width as f32 - 2.0, height as f32 - 2.0],
        }
    }

    #[inline]
    fn at(&self, x: f32, y: f32) -> [f32; 3] {
        if x >= 1.0 && y >= 1.0 && x < self.inner[0] && y < self.inner[1] {
            self.inside(x, y)
        } else {
            self.at_border(x, y)
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`x` and `y` are in the image"
    )]
    #[inline]
    fn inside(&self, x: f32, y: f32) -> [f32; 3] {
        // A conversion by way of `i32` is one instruction, by way of `usize` several.
        let (column, row) = (x as i32, y as i32);
        let across = cubic(x - column as f32);
        let along = cubic(y - row as f32);
        let start = (row as usize - 1) * self.stride + (column as usize - 1) * 3;
        let mut sums = [0.0; TAPS * 3];
        for (tap, weight) in along.into_iter().enumerate() {
            let line: &[u8; TAPS * 3] = self.pixels[start + tap * self.stride..]
                .first_chunk()
                .expect("four pixels stand in the row");
            for (sum, &value) in sums.iter_mut().zip(line) {
                *sum += weight * f32::from(value);
            }
        }
        std::array::from_fn(|channel| {
            let terms = across.iter().zip(sums[channel..].iter().step_by(3));
            let value: f32 = terms.map(|(weight, sum)| weight * sum).sum();
            value.clamp(0.0, 255.0)
        })
    }

    /// Taps beyond the image count as black.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float becomes the nearest integer there is, and those out of the image are black"
    )]
    fn at_border(&self, x: f32, y: f32) -> [f32; 3] {
        let (left, top) = (x.floor(), y.floor());
        let across = cubic(x - left);
        let along = cubic(y - top);
        let mut sum = [0.0; 3];
        for (down, along) in along.into_iter().enumerate() {
            for (right, across) in across.into_iter().enumerate() {
                let pixel = |start: f32, tap: usize| usize::try_from(start as i64 + tap as i64 - 1);
                let (Ok(column), Ok(row)) = (pixel(left, right), pixel(top, down)) else {
                    continue;
                };
                if column < self.width && row < self.height {
                    let start = row * self.stride + column * 3;
                    for (channel, sum) in sum.iter_mut().enumerate() {
                        *sum += along * across * f32::from(self.pixels[start + channel]);
                    }
                }
            }
        }
        sum.map(|value| value.clamp(0.0, 255.0))
    }
}

/// Weights of the pixels at −1, 0, 1 and 2 for a place `t` from 0 to 1, by the kernel of Keys (1981, *Cubic Convolution
/// Interpolation for Digital Image Processing*, equation 4) with the parameter −1: the slope of the sinc at its first zero,
/// and the one of the usual parameters (−1/2, −3/4, −1) that blurs least.
#[inline]
fn cubic(t: f32) -> [f32; TAPS] {
    const A: f32 = -1.0;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    [far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)]
}

/// A step of the color jitter, with its factor: `value · factor + other · (1 - factor)`, cut to `[0, 255]`.
#[derive(Clone, Copy)]
enum Change {
    /// The other is black.
    Brightness(f32),
    /// The other is the mean gray.
    Contrast(f32),
    /// The other is the pixel's gray.
    Saturation(f32),
}

impl Change {
    fn apply(self, out: &mut [f32]) {
        let (factor, other) = match self {
            Self::Brightness(factor) => (factor, 0.0),
            Self::Contrast(factor) => (factor, mean_gray(out) * (1.0 - factor)),
            Self::Saturation(factor) => {
                for pixel in out.chunks_exact_mut(3) {
                    let other = gray(pixel) * (1.0 - factor);
                    for value in pixel {
                        *value = (*value * factor + other).clamp(0.0, 255.0);
                    }
                }
                return;
            }
        };
        for value in out {
            *value = (*value * factor + other).clamp(0.0, 255.0);
        }
    }
}

/// Luma of ITU-R BT.601, with torchvision's digits.
#[inline]
fn gray(pixel: &[f32]) -> f32 {
    0.2989 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]
}

/// Mean of the pixels' gray: row-wise sums keep `f32` exact enough and the loop short.
fn mean_gray(out: &[f32]) -> f32 {
    let mut sum = 0.0;
    for chunk in out.chunks(3 * 256) {
        let mut channels = [0.0; 3];
        for pixel in chunk.chunks_exact(3) {
            for channel in 0..3 {
                channels[channel] += pixel[channel];
            }
        }
        sum += gray(&channels);
    }
    sum / (out.len() / 3).max(1) as f32
}

/// A rectangle in the whole resized image, after the flip.
#[derive(Clone, Copy)]
struct BlankRectangle {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl BlankRectangle {
    /// A rectangle of 2 to 33 % of the image's area, with a height of 0.3 to 3.3 widths (logarithmically uniform);
    /// none if ten tries don't fit, as torchvision's `RandomErasing` has it.
    fn draw(image: &ResizedImage<'_>, rng: &mut impl Rng) -> Option<Self> {
        let (whole_width, whole_height) = (image.full_width, image.full_height);
        let area = whole_width as f32 * whole_height as f32;
        for _ in 0..10 {
            let target = area * rng.random_range(0.02..0.33_f32);
            let ratio = rng.random_range(0.3_f32.ln()..3.3_f32.ln()).exp();
            let (width, height) = (
                rounded((target / ratio).sqrt()),
                rounded((target * ratio).sqrt()),
            );
            if width < whole_width && height < whole_height {
                return Some(Self {
                    top: rng.random_range(0..=whole_height - height),
                    left: rng.random_range(0..=whole_width - width),
                    width,
                    height,
                });
            }
        }
        None
    }

    /// Blackens the part of the rectangle that lies in the crop.
    fn apply(self, image: &ResizedImage<'_>, side: u32, out: &mut [f32]) {
        let span = |whole: u32, start: u32, length: u32| {
            let from = i64::from(start) - center_offset(whole, side);
            let cut =
                |value: i64| usize::try_from(value.clamp(0, i64::from(side))).unwrap_or_default();
            cut(from)..cut(from + i64::from(length))
        };
        let columns = span(image.full_width, self.left, self.width);
        let rows = span(image.full_height, self.top, self.height);
        let stride = side as usize * 3;
        for row in rows {
            out[row * stride..][columns.start * 3..columns.end * 3].fill(0.0);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a side of a rectangle in an image"
)]
fn rounded(value: f32) -> u32 {
    value.round() as u32
}

/// From `[0, 255]` to the network's scale.
fn normalize(out: &mut [f32]) {
    let scale = STD.map(|std| 1.0 / (255.0 * std));
    let shift: [f32; 3] = std::array::from_fn(|channel| -MEAN[channel] / STD[channel]);
    for pixel in out.chunks_exact_mut(3) {
        for channel in 0..3 {
            pixel[channel] = pixel[channel] * scale[channel] + shift[channel];
        }
    }
}

#[cfg(test)]
mod tests;
