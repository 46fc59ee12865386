//! The difference of two thumbnails after alignment: the confirmation of candidates for near-duplicates.
//!
//! A copy of an image differs from it by a slight crop, by brightness and contrast, and by the noise of compression and
//! scaling. The first two are fitted (Lucas and Kanade 1981, with gain and bias), the last one is small everywhere. A
//! different image of the same scene differs much in some place, however small, so that the largest difference of a
//! block counts and not the mean over the image.

use thumbnails::{CHROMA_SIDE, SIDE, Thumbnail};

use crate::plane::{Axis, Differences, Plane, center};

/// Sides of the versions that are aligned, coarse to fine, with the number of steps.
const LEVELS: [(usize, usize); 3] = [(16, 6), (32, 4), (SIDE, 1)];

/// Largest shift and scaling of a slight crop, as a share of half the side.
const MOST_MOVED: f64 = 0.15;

/// Largest ratio of contrasts.
const MOST_GAIN: f64 = 1.5;

/// Largest difference of mean luma, in levels.
const MOST_BIAS: f64 = 48.0;

/// Contrast in levels below which differences are magnified, as an image of low contrast differs from any other such
/// image by few levels.
const LOW_CONTRAST: f64 = 24.0;

/// Contrast in levels at which the magnification ends, as noise would be magnified.
const LEAST_CONTRAST: f64 = 6.0;

/// Times the limit by which means over blocks of a coarse version may differ before finer ones are compared.
const COARSE_LIMIT: f64 = 1.5;

/// Share of the coarse contrast that may be left unexplained before the alignment is given up.
const UNALIGNED: f64 = 0.5;

/// A thumbnail with all that its comparisons share.
pub(crate) struct Subject {
    thumbnail: Thumbnail,
    /// Mean of luma.
    mean: f64,
    /// Standard deviation of luma.
    contrast: f64,
    /// Luma at the side of the first of [`LEVELS`].
    coarse: Plane,
}

impl Subject {
    pub(crate) fn new(thumbnail: Thumbnail) -> Self {
        let luma = thumbnail.luma();
        let n = luma.len() as f64;
        // The sums are exact: below 2^28.
        let sum: u32 = luma.iter().map(|&value| u32::from(value)).sum();
        let squares: u32 = luma.iter().map(|&value| u32::from(value).pow(2)).sum();
        let mean = f64::from(sum) / n;
        let variance = f64::from(squares) / n - mean * mean;
        Self {
            mean,
            contrast: variance.max(0.0).sqrt(),
            coarse: Plane::of(luma, SIDE, LEVELS[0].0),
            thumbnail,
        }
    }

    fn luma(&self, side: usize) -> Plane {
        Plane::of(self.thumbnail.luma(), SIDE, side)
    }
}

/// The largest mean difference of an eighth by an eighth of the image, in levels of 255, after alignment of `other` to
/// `reference` in position, scale, brightness and contrast; infinite where no slight crop aligns them.
///
/// For images of low contrast the levels are those at a standard deviation of 24. Most differences beyond `limit` are
/// found in chroma or on coarse versions and returned as infinite.
pub(crate) fn difference(reference: &Subject, other: &Subject, limit: f32) -> f32 {
    let magnification = (LOW_CONTRAST / reference.contrast.max(LEAST_CONTRAST)).max(1.0);
    let coarse_limit = COARSE_LIMIT * f64::from(limit) / magnification;
    let identity = Warp::identity(reference, other);
    let coarse = identity.differences(&reference.coarse, &other.coarse);
    // Most copies need no alignment.
    let unaligned = if coarse.largest_block_mean() > coarse_limit {
        f64::INFINITY
    } else {
        difference_after(&identity, reference, other, magnification, limit)
    };
    let aligned = match unaligned {
        small if small < 2.0 => None,
        _ => align(reference, other, identity, coarse_limit)
            .map(|warp| difference_after(&warp, reference, other, magnification, limit)),
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "levels, in single precision"
    )]
    let difference = aligned.unwrap_or(f64::INFINITY).min(unaligned) as f32;
    difference
}

/// The largest mean difference of a block after a warp, in magnified luma or in chroma; infinite where that in chroma, the
/// smaller planes, is beyond `limit`.
fn difference_after(
    warp: &Warp,
    reference: &Subject,
    other: &Subject,
    magnification: f64,
    limit: f32,
) -> f64 {
    let in_chroma = chroma_difference(warp, reference, other);
    if in_chroma > f64::from(limit) {
        return f64::INFINITY;
    }
    let luma = warp.differences(&reference.luma(SIDE), &other.luma(SIDE));
    in_chroma.max(luma.largest_in_block() * magnification)
}

/// The largest mean difference of a block after a warp, in either plane of chroma.
fn chroma_difference(warp: &Warp, reference: &Subject, other: &Subject) -> f64 {
    // Chroma is stored halved, around 128, and grows with the contrast of luma.
    let warp = Warp {
        bias: 128.0 * (1.0 - warp.gain),
        ..*warp
    };
    let [one, two] = [reference, other].map(|subject| subject.thumbnail.chroma());
    let differences = one.into_iter().zip(two).map(|(one, two)| {
        let [one, two] = [one, two].map(|plane| Plane::of(plane, CHROMA_SIDE, CHROMA_SIDE));
        2.0 * warp.differences(&one, &two).largest_in_block()
    });
    differences.fold(0.0, f64::max)
}

/// Position and brightness of a place of the reference in the other image. Places reach from -1 to 1 in both directions.
#[derive(Clone, Copy, Debug)]
struct Warp {
    shift: [f64; 2],
    scale: [f64; 2],
    gain: f64,
    bias: f64,
}

impl Warp {
    /// No movement; gain and bias equate mean and contrast as far as a copy's may differ.
    fn identity(reference: &Subject, other: &Subject) -> Self {
        let ratio = reference.contrast.max(1.0) / other.contrast.max(1.0);
        let gain = ratio.clamp(1.0 / MOST_GAIN, MOST_GAIN);
        let moved = (reference.mean - other.mean).clamp(-MOST_BIAS, MOST_BIAS);
        Self {
            shift: [0.0; 2],
            scale: [1.0; 2],
            gain,
            bias: moved + other.mean * (1.0 - gain),
        }
    }

    /// The columns and rows of the reference on the other plane.
    fn axes(&self, side: usize) -> [Axis; 2] {
        [0, 1].map(|axis| Axis::new(side, self.scale[axis], self.shift[axis]))
    }

    fn differences(&self, reference: &Plane, other: &Plane) -> Differences {
        let axes = self.axes(reference.side());
        Differences::new(reference, other, &axes, (self.gain, self.bias))
    }

    /// Returns whether a slight crop, and a change of brightness or contrast, is all of it.
    fn is_slight(&self, mean: f64) -> bool {
        let moved = self.shift.iter().all(|shift| shift.abs() <= MOST_MOVED)
            && self
                .scale
                .iter()
                .all(|scale| (scale - 1.0).abs() <= MOST_MOVED);
        let brightened = (self.gain * mean + self.bias - mean).abs() <= MOST_BIAS;
        moved && brightened && (1.0 / MOST_GAIN..=MOST_GAIN).contains(&self.gain)
    }

    fn add(&mut self, step: [f64; UNKNOWNS]) {
        let [shift_x, shift_y, scale_x, scale_y, gain, bias] = step;
        self.shift[0] += shift_x;
        self.shift[1] += shift_y;
        self.scale[0] += scale_x;
        self.scale[1] += scale_y;
        self.gain += gain;
        self.bias += bias;
    }
}

/// Numbers of a [`Warp`].
const UNKNOWNS: usize = 6;

/// The warp of least squares, coarse to fine, from `start` on. Returns none where no slight warp is found, or none that
/// brings coarse differences down to `coarse_limit`.
fn align(reference: &Subject, other: &Subject, start: Warp, coarse_limit: f64) -> Option<Warp> {
    let mean = other.mean;
    let mut warp = start;
    for (side, steps) in LEVELS {
        let finer = (side != LEVELS[0].0).then(|| [reference, other].map(|it| it.luma(side)));
        let [reference, other] = match &finer {
            Some([reference, other]) => [reference, other],
            None => [&reference.coarse, &other.coarse],
        };
        for _ in 0..steps {
            warp.add(step(reference, other, &warp)?);
            if !warp.is_slight(mean) {
                return None;
            }
        }
        let differences = warp.differences(reference, other);
        if differences.root_mean_square() > UNALIGNED * reference.contrast() {
            return None;
        }
        if side < SIDE && differences.largest_block_mean() > coarse_limit {
            return None;
        }
    }
    Some(warp)
}

/// A step of Gauss and Newton.
fn step(reference: &Plane, other: &Plane, warp: &Warp) -> Option<[f64; UNKNOWNS]> {
    let side = reference.side();
    let mut normal = [[0.0; UNKNOWNS]; UNKNOWNS];
    let mut right = [0.0; UNKNOWNS];
    let [columns, rows] = warp.axes(side);
    let centers: Vec<f64> = columns.range().map(|x| center(x, side)).collect();
    let mut samples = Vec::with_capacity(side);
    for (y, tap) in rows.taps() {
        other.sample_row(&columns, tap, &mut samples);
        let expected = &reference.row(y)[columns.range()];
        let y = center(y, side);
        for ((sample, expected), x) in samples.iter().zip(expected).zip(&centers) {
            let slope_x = sample.slope_x * warp.gain;
            let slope_y = sample.slope_y * warp.gain;
            let gradient = [
                slope_x,
                slope_y,
                slope_x * x,
                slope_y * y,
                sample.value,
                1.0,
            ];
            let missing = expected - (warp.gain * sample.value + warp.bias);
            // The whole of the symmetric matrix: loops of fixed length are vectorized.
            for i in 0..UNKNOWNS {
                right[i] += gradient[i] * missing;
                for j in 0..UNKNOWNS {
                    normal[i][j] += gradient[i] * gradient[j];
                }
            }
        }
    }
    for (i, row) in normal.iter_mut().enumerate() {
        // Without structure in a direction, nothing moves along it.
        row[i] = row[i] * 1.001 + 1.0;
    }
    solve(normal, right)
}

/// Solves `matrix · x = right` by Gaussian elimination with row pivots.
fn solve(
    mut matrix: [[f64; UNKNOWNS]; UNKNOWNS],
    mut right: [f64; UNKNOWNS],
) -> Option<[f64; UNKNOWNS]> {
    for column in 0..UNKNOWNS {
        let pivot = (column..UNKNOWNS)
            .max_by(|&a, &b| matrix[a][column].abs().total_cmp(&matrix[b][column].abs()))?;
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        if matrix[column][column].abs() < 1e-9 {
            return None;
        }
        for row in column + 1..UNKNOWNS {
            let factor = matrix[row][column] / matrix[column][column];
            let upper = matrix[column];
            for (cell, above) in matrix[row].iter_mut().zip(upper).skip(column) {
                *cell -= factor * above;
            }
            right[row] -= factor * right[column];
        }
    }
    for row in (0..UNKNOWNS).rev() {
        let known: f64 = (row + 1..UNKNOWNS)
            .map(|at| matrix[row][at] * right[at])
            .sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    Some(right)
}

#[cfg(test)]
mod tests;
