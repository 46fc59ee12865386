//! Resampling along the axes of an image, with antialiasing where it shrinks.

use crate::ResizedImage;

/// The part of an image that is read, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Window {
    /// All of `image`.
    pub(crate) fn whole(image: &ResizedImage<'_>) -> Self {
        Self {
            left: 0,
            top: 0,
            width: image.width as usize,
            height: image.height as usize,
        }
    }
}

/// Places of the output's pixels along an axis of the window: `start + i · step`, in pixels of the image, with a pixel's
/// center at its index. A negative step mirrors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    pub(crate) start: f32,
    pub(crate) step: f32,
}

/// Writes `side` × `side` pixels with values in `[0, 255]` to `out` `[side, side, 3]`: those of `window` at the places
/// of `across` and `along`.
///
/// Each axis has the weights of PyTorch's `interpolate(mode="bilinear", antialias=True)`: a triangle of a pixel's width
/// either way, as many times wider as the image shrinks, over the pixels of the window alone. Places beyond the window
/// are black.
pub(crate) fn resample(
    image: &ResizedImage<'_>,
    window: Window,
    across: Axis,
    along: Axis,
    side: usize,
    out: &mut [f32],
) {
    let columns = Taps::new(across, side, window.width);
    let rows = Taps::new(along, side, window.height);
    let stride = image.width as usize * 3;
    let mut line = vec![0.0; window.width * 3];
    for (row, target) in out.chunks_exact_mut(side * 3).enumerate() {
        let (top, weights) = rows.at(row);
        line.fill(0.0);
        for (tap, weight) in weights.iter().enumerate() {
            let start = (window.top + top + tap) * stride + window.left * 3;
            for (sum, &value) in line.iter_mut().zip(&image.pixels[start..]) {
                *sum += weight * f32::from(value);
            }
        }
        for (column, target) in target.chunks_exact_mut(3).enumerate() {
            let (left, weights) = columns.at(column);
            let mut sum = [0.0; 3];
            for (weight, pixel) in weights.iter().zip(line[left * 3..].chunks_exact(3)) {
                for channel in 0..3 {
                    sum[channel] += weight * pixel[channel];
                }
            }
            target.copy_from_slice(&sum);
        }
    }
}

/// First pixel and weights of each place along an axis.
struct Taps {
    first: Vec<usize>,
    /// End of each place's weights.
    ends: Vec<usize>,
    weights: Vec<f32>,
}

impl Taps {
    /// Taps of `n` places among `length` pixels.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the pixels"
    )]
    fn new(axis: Axis, n: usize, length: usize) -> Self {
        let reach = axis.step.abs().max(1.0);
        let last = length as f32 - 1.0;
        let mut taps = Self {
            first: Vec::with_capacity(n),
            ends: Vec::with_capacity(n),
            weights: Vec::with_capacity(n * 4),
        };
        for place in 0..n {
            let center = axis.start + place as f32 * axis.step;
            let is_inside = (-0.5..=last + 0.5).contains(&center);
            let first = (center - reach).ceil().clamp(0.0, last) as usize;
            let end = (center + reach).floor().clamp(0.0, last) as usize;
            let begin = taps.weights.len();
            if is_inside {
                let weights = (first..=end)
                    .map(|pixel| (1.0 - (pixel as f32 - center).abs() / reach).max(0.0));
                taps.weights.extend(weights);
                let sum: f32 = taps.weights[begin..].iter().sum();
                taps.weights[begin..]
                    .iter_mut()
                    .for_each(|weight| *weight /= sum);
            }
            taps.first.push(first);
            taps.ends.push(taps.weights.len());
        }
        taps
    }

    fn at(&self, place: usize) -> (usize, &[f32]) {
        let begin = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        (self.first[place], &self.weights[begin..self.ends[place]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red values of a row of `values` after resampling to `side` pixels by `axis`.
    fn row(values: &[u8], axis: Axis, side: usize) -> Vec<f32> {
        let pixels: Vec<u8> = values.iter().flat_map(|&value| [value; 3]).collect();
        let image = ResizedImage {
            width: u32::try_from(values.len()).unwrap(),
            height: 1,
            full_width: 1,
            full_height: 1,
            pixels: &pixels,
        };
        let mut out = vec![0.0; side * side * 3];
        let along = Axis {
            start: 0.0,
            step: 0.0,
        };
        resample(&image, Window::whole(&image), axis, along, side, &mut out);
        out[..side * 3].iter().step_by(3).copied().collect()
    }

    #[test]
    fn half_the_pixels_are_means_by_a_triangle() {
        // Weights 1/4, 3/4, 3/4, 1/4 of neighbors, of which those beyond the border don't count: 7/4 in the middle.
        let axis = Axis {
            start: 0.5,
            step: 2.0,
        };
        let found = row(&[0, 70, 140, 210], axis, 2);
        let expected = [
            (0.75 * 70.0 + 0.25 * 140.0) / 1.75,
            (0.25 * 70.0 + 0.75 * 140.0 + 0.75 * 210.0) / 1.75,
        ];
        assert!({ found.iter().zip(expected) }.all(|(a, b)| (a - b).abs() < 1e-3));
    }

    #[test]
    fn a_negative_step_mirrors_and_beyond_is_black() {
        let axis = Axis {
            start: 2.0,
            step: -1.0,
        };
        assert_eq!(row(&[10, 20, 30], axis, 3), [30.0, 20.0, 10.0]);
        let shifted = Axis {
            start: 1.0,
            step: 1.0,
        };
        assert_eq!(row(&[10, 20, 30], shifted, 3), [20.0, 30.0, 0.0]);
    }
}
