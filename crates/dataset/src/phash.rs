//! A fingerprint of what a picture shows, which survives a new size, format or compression.

use std::f64::consts::PI;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions};

use crate::{DatasetError, Resizer, Rgb};

/// Side of the gray picture that is transformed.
const SIDE_PX: u32 = 32;

/// The same as a length.
const SIDE: usize = SIDE_PX as usize;

/// Side of the block of low frequencies whose signs are kept.
const LOW: usize = 8;

/// The perceptual hash of a picture (Zauner 2010, *Implementation and Benchmarking of Perceptual Image Hash Functions*,
/// section 3.2.1): which of the 8 × 8 lowest frequencies of its 32 × 32 gray version are above their median.
///
/// As `imagehash.phash`: Pillow's gray, Lanczos, the DCT-II of columns and rows, the lowest frequency included; bit by
/// bit from the lowest frequency, which stands highest, along the horizontal ones first.
///
/// # Errors
/// The picture's bytes are fewer than its size says.
pub fn perceptual_hash(picture: &Rgb, resizer: &mut Resizer) -> Result<u64, DatasetError> {
    let small = small(picture, resizer)?;
    Ok(hash(&small))
}

/// The gray picture at `SIDE` × `SIDE`, row by row.
fn small(picture: &Rgb, resizer: &mut Resizer) -> Result<Vec<u8>, DatasetError> {
    let failed = |reason: String| DatasetError::Resize {
        width: picture.width,
        height: picture.height,
        reason,
    };
    let gray: Vec<u8> = picture.pixels.chunks_exact(3).map(gray).collect();
    let source = ImageRef::new(picture.width, picture.height, &gray, PixelType::U8)
        .map_err(|error| failed(error.to_string()))?;
    let mut small = Image::new(SIDE_PX, SIDE_PX, PixelType::U8);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    resizer
        .0
        .resize(&source, &mut small, &options)
        .map_err(|error| failed(error.to_string()))?;
    Ok(small.into_vec())
}

/// The luma of ITU-R 601-2 in fixed point, as Pillow converts to `L`.
fn gray(rgb: &[u8]) -> u8 {
    let [r, g, b] = [rgb[0], rgb[1], rgb[2]].map(u32::from);
    let luma = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
    u8::try_from(luma).expect("the weights sum to 65536")
}

/// `pixels` has `SIDE` × `SIDE` values.
fn hash(pixels: &[u8]) -> u64 {
    let low = low_frequencies(pixels);
    let mut sorted = low;
    sorted.sort_by(f64::total_cmp);
    let median = f64::midpoint(sorted[low.len() / 2 - 1], sorted[low.len() / 2]);
    low.iter()
        .fold(0, |bits, &value| bits << 1 | u64::from(value > median))
}

/// The two-dimensional DCT-II, unnormalized (its scale moves no bit), where both frequencies are below `LOW`.
fn low_frequencies(pixels: &[u8]) -> [f64; LOW * LOW] {
    let wave = |frequency: usize, at: usize| {
        (PI * frequency as f64 * (2 * at + 1) as f64 / (2 * SIDE) as f64).cos()
    };
    std::array::from_fn(|index| {
        let (vertical, horizontal) = (index / LOW, index % LOW);
        let rows = pixels.chunks_exact(SIDE).enumerate();
        rows.map(|(y, row)| {
            let along: f64 = { row.iter().enumerate() }
                .map(|(x, &value)| f64::from(value) * wave(horizontal, x))
                .sum();
            along * wave(vertical, y)
        })
        .sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of `width` × `height` whose gray is `shade` of where a pixel stands, both from 0 to 1.
    fn drawn(width: u32, height: u32, shade: impl Fn(f64, f64) -> f64) -> Rgb {
        let mut pixels = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let place = |at: u32, size: u32| (f64::from(at) + 0.5) / f64::from(size);
                let value = shade(place(x, width), place(y, height)) * 255.0;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a shade from 0 to 1"
                )]
                pixels.extend([value as u8; 3]);
            }
        }
        Rgb {
            width,
            height,
            pixels,
        }
    }

    fn of(picture: &Rgb) -> u64 {
        perceptual_hash(picture, &mut Resizer::default()).unwrap()
    }

    fn disc(x: f64, y: f64) -> f64 {
        let far = (x - 0.3).hypot(y - 0.6);
        (1.0 - far).clamp(0.0, 1.0)
    }

    #[test]
    fn another_size_changes_few_bits() {
        let large = of(&drawn(300, 200, disc));
        let small = of(&drawn(90, 60, disc));
        assert!((large ^ small).count_ones() <= 4);
    }

    #[test]
    fn another_picture_changes_many_bits() {
        let stripes = |x: f64, y: f64| 0.5 + 0.5 * (12.0 * x + 5.0 * y * y).sin();
        let apart = (of(&drawn(120, 90, disc)) ^ of(&drawn(120, 90, stripes))).count_ones();
        assert!(apart > 12, "{apart} bits");
    }

    #[test]
    fn half_of_the_frequencies_are_above_their_median() {
        assert_eq!(of(&drawn(64, 64, disc)).count_ones(), 32);
    }
}
