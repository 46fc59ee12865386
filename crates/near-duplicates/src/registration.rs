//! The difference of two thumbnails after alignment: the confirmation of candidates for near-duplicates.
//!
//! A copy of an image differs from it by a slight crop, by brightness and contrast, and by the noise of compression and
//! scaling. The first two are fitted (Lucas and Kanade 1981, with gain and bias), the last one is small everywhere. A
//! different image of the same scene differs much in some place, however small, so that the largest difference of a
//! block counts and not the mean over the image.

use thumbnails::{CHROMA_SIDE, SIDE, Thumbnail};

/// Sides of the versions that are aligned, coarse to fine, with the number of steps.
const LEVELS: [(usize, usize); 3] = [(16, 6), (32, 4), (SIDE, 1)];

/// Blocks in each direction whose mean differences are compared.
const BLOCKS: usize = 8;

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

/// The largest mean difference of an eighth by an eighth of the image, in levels of 255, after alignment of `other` to
/// `reference` in position, scale, brightness and contrast; infinite where no slight crop aligns them.
///
/// For images of low contrast the levels are those at a standard deviation of 24. Most differences beyond `limit` are
/// found on coarse versions and returned as infinite.
pub(crate) fn difference(reference: &Thumbnail, other: &Thumbnail, limit: f32) -> f32 {
    let luma = Plane::of(reference.luma(), SIDE);
    let other_luma = Plane::of(other.luma(), SIDE);
    let contrast = luma.contrast().max(LEAST_CONTRAST);
    let magnification = (LOW_CONTRAST / contrast).max(1.0);
    let after = |warp: &Warp| {
        let in_luma = block_difference(&luma, &other_luma, warp) * magnification;
        let in_chroma = { reference.chroma().into_iter().zip(other.chroma()) }
            .map(|(one, other)| {
                let [one, other] = [one, other].map(|plane| Plane::of(plane, CHROMA_SIDE));
                // Chroma is stored halved, around 128, and grows with the contrast of luma.
                let warp = Warp {
                    bias: 128.0 * (1.0 - warp.gain),
                    ..*warp
                };
                2.0 * block_difference(&one, &other, &warp)
            })
            .fold(0.0, f64::max);
        in_luma.max(in_chroma)
    };
    let coarse_limit = COARSE_LIMIT * f64::from(limit) / magnification;
    let [coarse, other_coarse] = [&luma, &other_luma].map(|plane| plane.coarse(LEVELS[0].0));
    let identity = Warp::identity(&luma, &other_luma);
    // Most copies need no alignment.
    let unaligned = if coarse_difference(&coarse, &other_coarse, &identity) > coarse_limit {
        f64::INFINITY
    } else {
        after(&identity)
    };
    let aligned = match unaligned {
        small if small < 2.0 => None,
        _ => align(&luma, &other_luma, identity, coarse_limit).map(|warp| after(&warp)),
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "levels, in single precision"
    )]
    let difference = aligned.unwrap_or(f64::INFINITY).min(unaligned) as f32;
    difference
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
    fn identity(reference: &Plane, other: &Plane) -> Self {
        let ratio = reference.contrast().max(1.0) / other.contrast().max(1.0);
        let gain = ratio.clamp(1.0 / MOST_GAIN, MOST_GAIN);
        let moved = (reference.mean() - other.mean()).clamp(-MOST_BIAS, MOST_BIAS);
        Self {
            shift: [0.0; 2],
            scale: [1.0; 2],
            gain,
            bias: moved + other.mean() * (1.0 - gain),
        }
    }

    fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [
            x * self.scale[0] + self.shift[0],
            y * self.scale[1] + self.shift[1],
        ]
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

/// A plane of `side` × `side` values.
struct Plane {
    side: usize,
    values: Vec<f64>,
}

impl Plane {
    fn of(bytes: &[u8], side: usize) -> Self {
        Self {
            side,
            values: bytes.iter().map(|&value| f64::from(value)).collect(),
        }
    }

    /// Means of squares: the same at a smaller side, which divides this one's.
    fn coarse(&self, side: usize) -> Self {
        let scale = self.side / side;
        let mut values = vec![0.0; side * side];
        for (y, row) in self.values.chunks_exact(self.side).enumerate() {
            let cells = &mut values[y / scale * side..][..side];
            for (cell, pixels) in cells.iter_mut().zip(row.chunks_exact(scale)) {
                *cell += pixels.iter().sum::<f64>() / (scale * scale) as f64;
            }
        }
        Self { side, values }
    }

    fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    /// The standard deviation.
    fn contrast(&self) -> f64 {
        let mean = self.mean();
        let squares = self.values.iter().map(|value| (value - mean).powi(2));
        (squares.sum::<f64>() / self.values.len() as f64).sqrt()
    }

    /// Each pixel's value, with the place of its center.
    fn pixels(&self) -> impl Iterator<Item = ([f64; 2], f64)> {
        let center = |at: usize| (2 * at + 1) as f64 / self.side as f64 - 1.0;
        let rows = self.values.chunks_exact(self.side).enumerate();
        rows.flat_map(move |(y, row)| {
            let y = center(y);
            let row = row.iter().enumerate();
            row.map(move |(x, &value)| ([center(x), y], value))
        })
    }

    /// The bilinear value at a place, and its slopes along x and y; none beyond the plane.
    fn sample(&self, place: [f64; 2]) -> Option<(f64, [f64; 2])> {
        let last = (self.side - 1) as f64;
        let half = self.side as f64 / 2.0;
        let [x, y] = place.map(|at| (at + 1.0) * half - 0.5);
        // Half a pixel beyond the outer centers still belongs to the plane.
        if x < -0.5 || y < -0.5 || x > last + 0.5 || y > last + 0.5 {
            return None;
        }
        let (x, y) = (x.clamp(0.0, last), y.clamp(0.0, last));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to the plane"
        )]
        let (left, top) = (
            (x as usize).min(self.side - 2),
            (y as usize).min(self.side - 2),
        );
        let (right, down) = (x - left as f64, y - top as f64);
        let row = &self.values[top * self.side + left..];
        let [a, b, c, d] = [row[0], row[1], row[self.side], row[self.side + 1]];
        let upper = a + (b - a) * right;
        let lower = c + (d - c) * right;
        let slope_x = (b - a) * (1.0 - down) + (d - c) * down;
        Some((
            upper + (lower - upper) * down,
            [slope_x * half, (lower - upper) * half],
        ))
    }
}

/// The warp of least squares, coarse to fine, from `start` on. Returns none where no slight warp is found, or none that
/// brings coarse differences down to `coarse_limit`.
fn align(reference: &Plane, other: &Plane, start: Warp, coarse_limit: f64) -> Option<Warp> {
    let mut warp = start;
    for (side, steps) in LEVELS {
        let [reference, other] = [reference, other].map(|plane| plane.coarse(side));
        for _ in 0..steps {
            warp.add(step(&reference, &other, &warp)?);
            if !warp.is_slight(other.mean()) {
                return None;
            }
        }
        if residual(&reference, &other, &warp) > UNALIGNED * reference.contrast() {
            return None;
        }
        if side < SIDE && coarse_difference(&reference, &other, &warp) > coarse_limit {
            return None;
        }
    }
    Some(warp)
}

/// A step of Gauss and Newton.
fn step(reference: &Plane, other: &Plane, warp: &Warp) -> Option<[f64; UNKNOWNS]> {
    let mut normal = [[0.0; UNKNOWNS]; UNKNOWNS];
    let mut right = [0.0; UNKNOWNS];
    for (place, expected) in reference.pixels() {
        let Some((value, [slope_x, slope_y])) = other.sample(warp.place(place)) else {
            continue;
        };
        let [slope_x, slope_y] = [slope_x, slope_y].map(|slope| slope * warp.gain);
        let gradient = [
            slope_x,
            slope_y,
            slope_x * place[0],
            slope_y * place[1],
            value,
            1.0,
        ];
        let missing = expected - (warp.gain * value + warp.bias);
        for (i, &one) in gradient.iter().enumerate() {
            right[i] += one * missing;
            for (cell, &two) in normal[i].iter_mut().zip(&gradient).skip(i) {
                *cell += one * two;
            }
        }
    }
    let upper = normal;
    for (i, row) in normal.iter_mut().enumerate() {
        for (cell, above) in row.iter_mut().zip(&upper).take(i) {
            *cell = above[i];
        }
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

/// The root of the mean squared difference after the warp.
fn residual(reference: &Plane, other: &Plane, warp: &Warp) -> f64 {
    let squares: Vec<f64> = differences(reference, other, warp)
        .into_iter()
        .flatten()
        .map(|difference| difference * difference)
        .collect();
    (squares.iter().sum::<f64>() / squares.len().max(1) as f64).sqrt()
}

/// The signed differences; none where the other image doesn't reach.
fn differences(reference: &Plane, other: &Plane, warp: &Warp) -> Vec<Option<f64>> {
    let difference = |(place, expected)| {
        let (value, _) = other.sample(warp.place(place))?;
        Some(expected - (warp.gain * value + warp.bias).clamp(0.0, 255.0))
    };
    reference.pixels().map(difference).collect()
}

/// The largest mean absolute difference of a block. Differences are smoothed before, so that noise cancels out.
fn block_difference(reference: &Plane, other: &Plane, warp: &Warp) -> f64 {
    let mut differences = smoothed(&differences(reference, other, warp), reference.side);
    let known = differences.iter_mut().flatten();
    known.for_each(|difference| *difference = difference.abs());
    block_means(&differences, reference.side).fold(0.0, f64::max)
}

/// The largest absolute mean difference of a block: about the least that [`block_difference`] can be of finer versions.
fn coarse_difference(reference: &Plane, other: &Plane, warp: &Warp) -> f64 {
    let differences = differences(reference, other, warp);
    let means = block_means(&differences, reference.side);
    means.map(f64::abs).fold(0.0, f64::max)
}

/// The means of the known values of each block; 0 for one that is mostly cropped away, of which little can be concluded.
fn block_means(values: &[Option<f64>], side: usize) -> impl Iterator<Item = f64> {
    let block = side / BLOCKS;
    (0..BLOCKS * BLOCKS).map(move |number| {
        let (top, left) = (number / BLOCKS * block, number % BLOCKS * block);
        let rows = (top..top + block).map(|y| &values[y * side + left..][..block]);
        let known = rows.flatten().flatten();
        let (n, sum) = known.fold((0_usize, 0.0), |(n, sum), value| (n + 1, sum + value));
        if 2 * n < block * block {
            0.0
        } else {
            sum / n as f64
        }
    })
}

/// Means over each place and its eight neighbors, as far as they are known.
fn smoothed(values: &[Option<f64>], side: usize) -> Vec<Option<f64>> {
    // Sums and counts of known values, over three of a row, then over three rows.
    let of_value = |value: &Option<f64>| value.map_or((0.0, 0.0), |value| (value, 1.0));
    let add = |(a, n): (f64, f64), (b, m): (f64, f64)| (a + b, n + m);
    let around = |at: usize| at.saturating_sub(1)..(at + 2).min(side);
    let mut in_rows = Vec::with_capacity(values.len());
    for row in values.chunks_exact(side) {
        let row: Vec<(f64, f64)> = row.iter().map(of_value).collect();
        let sum = |x: usize| row[around(x)].iter().copied().reduce(add);
        in_rows.extend((0..side).filter_map(sum));
    }
    let mean = |y: usize, x: usize| {
        values[y * side + x]?;
        let column = around(y).map(|y| in_rows[y * side + x]);
        column.reduce(add).map(|(sum, n)| sum / n)
    };
    (0..side)
        .flat_map(|y| (0..side).map(move |x| (y, x)))
        .map(|(y, x)| mean(y, x))
        .collect()
}

#[cfg(test)]
mod tests;
