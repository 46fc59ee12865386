//! Perceptual descriptors: the candidates of the search for near-duplicates.
//!
//! The descriptor holds the 8 × 8 lowest frequencies of an image, as a perceptual hash by DCT does (Zauner 2010,
//! section 3.2.1), but as numbers and not as signs: of an image with a mirror symmetry half of the coefficients are 0,
//! and their signs are noise.

use std::f64::consts::PI;
use std::sync::LazyLock;

use thumbnails::{SIDE, Thumbnail};

/// Frequencies in each direction.
const LOW: usize = 8;

/// Numbers of a descriptor: the frequencies without the lowest, which is the mean, and three for mean and color.
pub(crate) const LEN: usize = LOW * LOW - 1 + 3;

/// Contrast in levels below which an image counts as flat: the noise of a compression isn't taken for content.
const FLAT: f64 = 4.0;

/// Levels of mean luma or chroma that count as much as all of an image's content.
const MEAN_SCALE: f64 = 256.0;

/// A constant beside the descriptor in the projections, which keeps the hashes of flat images from being noise.
const CONSTANT: f32 = 0.4;

/// Sums that are added up side by side, in vectors of the CPU.
const LANES: usize = 8;

/// Numbers of a descriptor with [`CONSTANT`] and zeros behind them, so that all lanes are full.
pub(crate) const PADDED: usize = (LEN + 1).next_multiple_of(LANES);

/// Numbers in full lanes.
pub(crate) type Padded = [f32; PADDED];

/// The lowest frequencies of an image, relative to its contrast, and its mean color.
#[derive(Clone, Debug)]
pub struct Descriptor {
    /// Followed by [`CONSTANT`] and zeros.
    values: Padded,
    /// Logarithm of the ratio of width to height.
    log_aspect: f32,
}

impl Descriptor {
    /// The descriptor of an image of `(width, height)` pixels.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "numbers of at most a few units, in single precision"
    )]
    pub fn of(thumbnail: &Thumbnail, (width, height): (u32, u32)) -> Self {
        let luma = thumbnail.luma();
        let n = luma.len() as f64;
        let mean = luma.iter().map(|&value| f64::from(value)).sum::<f64>() / n;
        let energy: f64 = { luma.iter() }
            .map(|&value| (f64::from(value) - mean).powi(2))
            .sum();
        let scale = 1.0 / energy.sqrt().max(FLAT * n.sqrt());
        let mut values = [0.0; PADDED];
        let low = low_frequencies(luma);
        for (value, frequency) in values.iter_mut().zip(&low[1..]) {
            *value = (frequency * scale) as f32;
        }
        let center = |plane: &[u8]| {
            let sum: f64 = plane.iter().map(|&value| f64::from(value) - 128.0).sum();
            (sum / plane.len() as f64 / MEAN_SCALE) as f32
        };
        let [blue, red] = thumbnail.chroma().map(center);
        values[LEN - 3..=LEN].copy_from_slice(&[center(luma), blue, red, CONSTANT]);
        Self {
            values,
            log_aspect: (f64::from(width.max(1)) / f64::from(height.max(1))).ln() as f32,
        }
    }

    /// Euclidean distance, at most that of the whole images at equal contrast; infinite where the aspect ratios differ by
    /// more than an eighth, as no slight crop makes them.
    pub(crate) fn distance(&self, other: &Self) -> f32 {
        if (self.log_aspect - other.log_aspect).abs() > 0.125 {
            return f32::INFINITY;
        }
        sum(&self.values, &other.values, |a, b| (a - b) * (a - b)).sqrt()
    }

    /// Numbers of the descriptor, followed by [`CONSTANT`] and zeros.
    pub(crate) fn values(&self) -> &Padded {
        &self.values
    }
}

/// The inner product.
pub(crate) fn product(a: &Padded, b: &Padded) -> f32 {
    sum(a, b, |a, b| a * b)
}

/// The sum of a term of each pair of numbers.
fn sum(a: &Padded, b: &Padded, term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += term(a, b);
        }
    }
    sums.iter().sum()
}

/// The two-dimensional DCT-II, orthonormal, where both frequencies are below [`LOW`].
fn low_frequencies(luma: &[u8]) -> [f64; LOW * LOW] {
    let mut low = [[0.0; LOW]; LOW];
    for (row, vertical) in luma.chunks_exact(SIDE).zip(WAVES.iter()) {
        let mut sums = [0.0; LOW];
        for (&value, horizontal) in row.iter().zip(WAVES.iter()) {
            let value = f64::from(value);
            for (sum, wave) in sums.iter_mut().zip(horizontal) {
                *sum += value * wave;
            }
        }
        for (low, wave) in low.iter_mut().zip(vertical) {
            for (low, sum) in low.iter_mut().zip(&sums) {
                *low += sum * wave;
            }
        }
    }
    let mut flat = [0.0; LOW * LOW];
    flat.copy_from_slice(low.as_flattened());
    flat
}

/// The basis of the transform, by place and frequency.
static WAVES: LazyLock<[[f64; LOW]; SIDE]> = LazyLock::new(|| {
    let mut waves = [[0.0; LOW]; SIDE];
    for (at, waves) in waves.iter_mut().enumerate() {
        for (frequency, wave) in waves.iter_mut().enumerate() {
            let norm = if frequency == 0 { 1.0 } else { 2.0 } / SIDE as f64;
            let phase = PI * frequency as f64 * (2 * at + 1) as f64 / (2 * SIDE) as f64;
            *wave = phase.cos() * norm.sqrt();
        }
    }
    waves
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hashes::{TABLES, prefix};
    use images::{Resizer, Rgb};

    /// A gray image whose shade, from 0 to 1, depends on the place, both coordinates from 0 to 1.
    fn drawn(width: u32, height: u32, shade: impl Fn(f64, f64) -> f64) -> Descriptor {
        let place = |at: u32, size: u32| (f64::from(at) + 0.5) / f64::from(size);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a shade from 0 to 1"
        )]
        let pixels = (0..width * height)
            .flat_map(|at| {
                let shade = shade(place(at % width, width), place(at / width, height));
                [(shade * 255.0) as u8; 3]
            })
            .collect();
        let image = Rgb {
            width,
            height,
            pixels,
        };
        let thumbnail = Thumbnail::of(&image, &mut Resizer::default()).unwrap();
        Descriptor::of(&thumbnail, (width, height))
    }

    fn disc(x: f64, y: f64) -> f64 {
        (1.0 - (x - 0.3).hypot(y - 0.6)).clamp(0.0, 1.0)
    }

    /// Number of tables in which the hashes share their prefix.
    fn n_equal(a: &Descriptor, b: &Descriptor) -> usize {
        (0..TABLES)
            .filter(|&table| prefix(table, a) == prefix(table, b))
            .count()
    }

    #[test]
    fn size_and_brightness_hardly_change_a_descriptor() {
        let large = drawn(300, 200, disc);
        for other in [
            drawn(90, 60, disc),
            drawn(300, 200, |x, y| 0.9 * disc(x, y)),
        ] {
            assert!(large.distance(&other) < 0.1);
            assert!(n_equal(&large, &other) > TABLES / 2);
        }
    }

    #[test]
    fn noise_on_a_symmetric_image_hardly_changes_its_hashes() {
        // Mirror-symmetric in both directions: three quarters of the coefficients are 0.
        let symmetric = |x: f64, y: f64| 0.5 + 0.4 * ((6.0 * PI * x).cos() * (2.0 * PI * y).cos());
        let noisy = |x: f64, y: f64| symmetric(x, y) + 0.02 * (917.0 * x + 553.0 * y).sin();
        let (clean, noisy) = (drawn(128, 128, symmetric), drawn(128, 128, noisy));
        assert!(clean.distance(&noisy) < 0.05);
        assert!(n_equal(&clean, &noisy) > TABLES / 2);
    }

    #[test]
    fn another_image_is_far_away() {
        let stripes = |x: f64, y: f64| 0.5 + 0.5 * (12.0 * x + 5.0 * y * y).sin();
        let (one, other) = (drawn(120, 90, disc), drawn(120, 90, stripes));
        assert!(one.distance(&other) > 0.8);
        assert!(n_equal(&one, &other) < 3);
    }

    #[test]
    fn another_aspect_ratio_is_infinitely_far() {
        assert!(
            drawn(90, 90, disc)
                .distance(&drawn(90, 60, disc))
                .is_infinite()
        );
    }

    #[test]
    fn the_transform_keeps_the_energy_of_low_frequencies() {
        let luma: Vec<u8> = (0..SIDE * SIDE)
            .map(|at| {
                let wave = (PI * (2 * (at % SIDE) + 1) as f64 * 3.0 / (2 * SIDE) as f64).cos();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "levels from 28 to 228"
                )]
                let level = (128.0 + 100.0 * wave).round() as u8;
                level
            })
            .collect();
        let low = low_frequencies(&luma);
        // An amplitude of 100 has the energy 100² / 2 a pixel.
        let expected = 100.0 * (SIDE as f64) / 2.0_f64.sqrt();
        assert!((low[3] - expected).abs() < 10.0, "{} {expected}", low[3]);
        assert!(low[5].abs() < 10.0);
    }
}
