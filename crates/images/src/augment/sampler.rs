//! Reading of an image between its pixels.

use crate::ResizedImage;
use crate::resample::Window;

/// Pixels along an axis that a sample is made of.
const TAPS: usize = 4;

/// Reading of an image between its pixels by cubic convolution.
///
/// Bilinear reading would blur: it leaves a training image three quarters of the fine detail (mean of the absolute
/// Laplacian) that the same image has in an evaluation, where it isn't turned; cubic reading leaves all but a fortieth.
pub(super) struct Cubic<'a> {
    /// From the window's first pixel on.
    pixels: &'a [u8],
    width: usize,
    height: usize,
    stride: usize,
    /// Largest column and row at which all taps lie in the window.
    inner: [f32; 2],
}

impl<'a> Cubic<'a> {
    pub(super) fn new(image: &ResizedImage<'a>, window: Window) -> Self {
        let (width, height) = (window.width, window.height);
        Self {
            pixels: from(image, window),
            width,
            height,
            stride: image.width as usize * 3,
            inner: [width as f32 - 2.0, height as f32 - 2.0],
        }
    }

    #[inline]
    pub(super) fn at(&self, x: f32, y: f32) -> [f32; 3] {
        if x >= 1.0 && y >= 1.0 && x < self.inner[0] && y < self.inner[1] {
            self.inside(x, y)
        } else {
            self.at_border(x, y)
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`x` and `y` are in the window"
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

    /// Taps beyond the window count as black.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float becomes the nearest integer there is, and those out of the window are black"
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

/// Bytes of an image from the first pixel of `window` on.
fn from<'a>(image: &ResizedImage<'a>, window: Window) -> &'a [u8] {
    &image.pixels[(window.top * image.width as usize + window.left) * 3..]
}

/// Reading of an image that shrinks, and is turned or sheared: the mean of pixels by a tent over the part of the image
/// that falls on a pixel of the output.
///
/// Pixels have the weight `max(0, 1 − |u|) · max(0, 1 − |v|)`, where `u` and `v` are their distances from the place along
/// the output's axes, in its pixels, or in the image's where those are larger. It is the filter of [`resample`] in any
/// direction: the parallelogram of an output pixel in the image, which Heckbert (1989, *Fundamentals of Texture Mapping
/// and Image Warping*, section 3.5) takes for the footprint of a resampling filter, with a tent in place of his Gaussian.
///
/// [`resample`]: crate::resample::resample
pub(super) struct Tent<'a> {
    /// From the window's first pixel on.
    pixels: &'a [u8],
    width: usize,
    height: usize,
    stride: usize,
    /// From a distance in the image to `u` and `v`.
    inverse: [[f32; 2]; 2],
    /// Distances along the image's axes from which on pixels have no weight.
    reach: [f32; 2],
}

impl<'a> Tent<'a> {
    /// For an output whose next pixel is at a distance of `right` in the image, and the one below at `down`.
    pub(super) fn new(
        image: &ResizedImage<'a>,
        window: Window,
        right: [f32; 2],
        down: [f32; 2],
    ) -> Self {
        let [[a, b], [c, d]] = at_least_a_pixel([[right[0], down[0]], [right[1], down[1]]]);
        let determinant = a * d - b * c;
        Self {
            pixels: from(image, window),
            width: window.width,
            height: window.height,
            stride: image.width as usize * 3,
            inverse: [
                [d / determinant, -b / determinant],
                [-c / determinant, a / determinant],
            ],
            reach: [a.abs() + b.abs(), c.abs() + d.abs()],
        }
    }

    /// Pixels beyond the window count as black.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float becomes the nearest integer there is, and those out of the window are black"
    )]
    #[inline]
    pub(super) fn at(&self, x: f32, y: f32) -> [f32; 3] {
        let span = |at: f32, reach: f32| (at - reach).ceil() as i32..=(at + reach).floor() as i32;
        let [[a, b], [c, d]] = self.inverse;
        let (mut weights, mut sum) = (0.0, [0.0; 3]);
        for row in span(y, self.reach[1]) {
            let below = row as f32 - y;
            let line = usize::try_from(row).ok().filter(|&row| row < self.height);
            for column in span(x, self.reach[0]) {
                let beside = column as f32 - x;
                let (u, v) = (a * beside + b * below, c * beside + d * below);
                let weight = (1.0 - u.abs()).max(0.0) * (1.0 - v.abs()).max(0.0);
                weights += weight;
                let column = usize::try_from(column).ok();
                if let (Some(line), Some(column)) = (line, column.filter(|&at| at < self.width)) {
                    let start = line * self.stride + column * 3;
                    for (sum, &value) in sum.iter_mut().zip(&self.pixels[start..start + 3]) {
                        *sum += weight * f32::from(value);
                    }
                }
            }
        }
        sum.map(|value| value / weights)
    }
}

/// The matrix with singular values of at least 1, and the same singular vectors.
fn at_least_a_pixel([[a, b], [c, d]]: [[f32; 2]; 2]) -> [[f32; 2]; 2] {
    // The transposed matrix times the matrix has the squared singular values, and the right singular vectors.
    let (p, q, r) = (a * a + c * c, a * b + c * d, b * b + d * d);
    let (sin, cos) = (0.5 * (2.0 * q).atan2(p - r)).sin_cos();
    let root = ((p - r) * (p - r) + 4.0 * q * q).sqrt();
    let factor = |square: f32| 1.0 / square.max(f32::MIN_POSITIVE).sqrt().min(1.0);
    let (first, second) = (factor((p + r + root) / 2.0), factor((p + r - root) / 2.0));
    // V · diag(first, second) · Vᵀ, a symmetric matrix.
    let across = first * cos * cos + second * sin * sin;
    let mixed = (first - second) * sin * cos;
    let along = first * sin * sin + second * cos * cos;
    [
        [a * across + b * mixed, a * mixed + b * along],
        [c * across + d * mixed, c * mixed + d * along],
    ]
}

/// Weights of the pixels at −1, 0, 1 and 2 for a place `t` from 0 to 1, by the kernel of Keys (1981, *Cubic Convolution
/// Interpolation for Digital Image Processing*, equation 4) with the parameter −1: the slope of the sinc at its first zero,
/// and the one of the usual parameters (−1/2, −3/4, −1) that blurs least.
#[inline]
pub(super) fn cubic(t: f32) -> [f32; TAPS] {
    const A: f32 = -1.0;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    [far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_steps_reach_a_pixel() {
        let close = |found: [[f32; 2]; 2], expected: [[f32; 2]; 2]| {
            let pairs = found.as_flattened().iter().zip(expected.as_flattened());
            let largest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(largest < 1e-6, "{found:?}");
        };
        // Along the axes, each for itself; turned by 90°; turned by 45° and shrunk to a half.
        close(
            at_least_a_pixel([[2.0, 0.0], [0.0, 0.5]]),
            [[2.0, 0.0], [0.0, 1.0]],
        );
        close(
            at_least_a_pixel([[0.0, -0.5], [3.0, 0.0]]),
            [[0.0, -1.0], [3.0, 0.0]],
        );
        let turned = [[0.5, -0.5], [0.5, 0.5]];
        let root = std::f32::consts::FRAC_1_SQRT_2;
        close(at_least_a_pixel(turned), [[root, -root], [root, root]]);
    }
}
