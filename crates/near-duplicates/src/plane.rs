//! Planes of brightness or color, sampled at the places of a warp.

use std::ops::Range;

/// Blocks in each direction whose mean differences are compared.
const BLOCKS: usize = 8;

/// A plane of `side` × `side` values. Places on it reach from -1 to 1 in both directions.
pub(crate) struct Plane {
    side: usize,
    values: Vec<f64>,
}

impl Plane {
    /// A plane of `stored` × `stored` bytes at a smaller or equal `side`, which divides `stored`: means of squares.
    pub(crate) fn of(bytes: &[u8], stored: usize, side: usize) -> Self {
        let scale = stored / side;
        let share = 1.0 / (scale * scale) as f64;
        let mut values = Vec::with_capacity(side * side);
        let mut sums = vec![0_u32; stored];
        for rows in bytes.chunks_exact(stored * scale) {
            sums.fill(0);
            for row in rows.chunks_exact(stored) {
                let pairs = sums.iter_mut().zip(row);
                pairs.for_each(|(sum, &value)| *sum += u32::from(value));
            }
            let squares = sums.chunks_exact(scale);
            values.extend(squares.map(|sums| f64::from(sums.iter().sum::<u32>()) * share));
        }
        Self { side, values }
    }

    pub(crate) fn side(&self) -> usize {
        self.side
    }

    /// The standard deviation.
    pub(crate) fn contrast(&self) -> f64 {
        let n = self.values.len() as f64;
        let mean = self.values.iter().sum::<f64>() / n;
        let squares = self.values.iter().map(|value| (value - mean).powi(2));
        (squares.sum::<f64>() / n).sqrt()
    }

    pub(crate) fn row(&self, y: usize) -> &[f64] {
        &self.values[y * self.side..][..self.side]
    }

    /// Writes the bilinear values, and their slopes along x and y, at a row of places to `samples`.
    pub(crate) fn sample_row(&self, columns: &Axis, tap: Tap, samples: &mut Vec<Sample>) {
        let half = self.side as f64 / 2.0;
        let (upper, lower) = (self.row(tap.before), self.row(tap.before + 1));
        samples.clear();
        samples.extend(columns.taps.iter().map(|&Tap { before, share }| {
            let slopes = [
                lower[before] - upper[before],
                lower[before + 1] - upper[before + 1],
            ];
            let left = upper[before] + slopes[0] * tap.share;
            let right = upper[before + 1] + slopes[1] * tap.share;
            Sample {
                value: left + (right - left) * share,
                slope_x: (right - left) * half,
                slope_y: (slopes[0] + (slopes[1] - slopes[0]) * share) * half,
            }
        }));
    }
}

/// Coordinate of the center of a pixel.
pub(crate) fn center(pixel: usize, side: usize) -> f64 {
    (2 * pixel + 1) as f64 / side as f64 - 1.0
}

/// A bilinear value and its slopes.
pub(crate) struct Sample {
    pub(crate) value: f64,
    pub(crate) slope_x: f64,
    pub(crate) slope_y: f64,
}

/// A position between two pixels of an axis.
#[derive(Clone, Copy)]
pub(crate) struct Tap {
    /// The pixel before it.
    before: usize,
    /// Share of the pixel after it.
    share: f64,
}

/// The columns or rows of a plane on another plane, after scaling and shift.
pub(crate) struct Axis {
    /// The first pixel that lies on the other plane.
    start: usize,
    /// The positions of this pixel and of those after it that lie there.
    taps: Vec<Tap>,
}

impl Axis {
    /// `scale` is positive.
    pub(crate) fn new(side: usize, scale: f64, shift: f64) -> Self {
        let last = (side - 1) as f64;
        let half = side as f64 / 2.0;
        let position = |pixel| (center(pixel, side) * scale + shift + 1.0) * half - 0.5;
        // Half a pixel beyond the outer centers still belongs to the plane.
        let is_on_plane = |&pixel: &usize| (-0.5..=last + 0.5).contains(&position(pixel));
        let start = (0..side).find(is_on_plane).unwrap_or(side);
        let tap = |pixel| {
            let position = position(pixel).clamp(0.0, last);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to the plane"
            )]
            let before = (position as usize).min(side - 2);
            Tap {
                before,
                share: position - before as f64,
            }
        };
        Self {
            start,
            taps: (start..side).take_while(is_on_plane).map(tap).collect(),
        }
    }

    /// The pixels that lie on the other plane.
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.start + self.taps.len()
    }

    /// The same pixels with their positions.
    pub(crate) fn taps(&self) -> impl Iterator<Item = (usize, Tap)> {
        self.range().zip(self.taps.iter().copied())
    }
}

/// The signed differences of two planes of equal side, where both are known.
pub(crate) struct Differences {
    side: usize,
    /// The known columns and rows.
    known: [Range<usize>; 2],
    /// 0 beyond the known columns and rows.
    values: Vec<f64>,
}

impl Differences {
    /// The differences of `reference` from `other` at the places that `axes` give, columns and rows, after `gain` and
    /// `bias`.
    pub(crate) fn new(
        reference: &Plane,
        other: &Plane,
        axes: &[Axis; 2],
        (gain, bias): (f64, f64),
    ) -> Self {
        let side = reference.side;
        let [columns, rows] = axes;
        let mut values = vec![0.0; side * side];
        let mut samples = Vec::with_capacity(side);
        for (y, tap) in rows.taps() {
            other.sample_row(columns, tap, &mut samples);
            let values = &mut values[y * side..][columns.range()];
            let expected = &reference.row(y)[columns.range()];
            for ((value, expected), sample) in values.iter_mut().zip(expected).zip(&samples) {
                *value = expected - (gain * sample.value + bias).clamp(0.0, 255.0);
            }
        }
        Self {
            side,
            known: [columns.range(), rows.range()],
            values,
        }
    }

    /// The root of the mean square.
    pub(crate) fn root_mean_square(&self) -> f64 {
        let squares: f64 = self.values.iter().map(|value| value * value).sum();
        let [columns, rows] = &self.known;
        (squares / (columns.len() * rows.len()).max(1) as f64).sqrt()
    }

    /// The largest mean absolute value of a block. Differences are smoothed before, so that noise cancels out.
    pub(crate) fn largest_in_block(&self) -> f64 {
        let mut smoothed = self.smoothed();
        smoothed
            .values
            .iter_mut()
            .for_each(|value| *value = value.abs());
        smoothed.block_means().fold(0.0, f64::max)
    }

    /// The largest absolute mean of a block: about the least that [`Self::largest_in_block`] can be of finer planes.
    pub(crate) fn largest_block_mean(&self) -> f64 {
        self.block_means().map(f64::abs).fold(0.0, f64::max)
    }

    /// The means of the known values of each block; 0 for one that is mostly cropped away, of which little can be
    /// concluded.
    fn block_means(&self) -> impl Iterator<Item = f64> {
        let block = self.side / BLOCKS;
        (0..BLOCKS * BLOCKS).map(move |number| {
            let starts = [number % BLOCKS * block, number / BLOCKS * block];
            let [n_columns, n_rows] = [0, 1].map(|axis| {
                let start = starts[axis];
                n_common(&self.known[axis], &(start..start + block))
            });
            let n = n_columns * n_rows;
            if 2 * n < block * block {
                return 0.0;
            }
            let [left, top] = starts;
            let rows = (top..top + block).map(|y| &self.values[y * self.side + left..][..block]);
            rows.flatten().sum::<f64>() / n as f64
        })
    }

    /// Means over each place and its eight neighbors, as far as they are known.
    fn smoothed(&self) -> Self {
        let [columns, rows] = &self.known;
        let around = |at: usize| at.saturating_sub(1)..(at + 2).min(self.side);
        let mut values = vec![0.0; self.values.len()];
        let mut sums = vec![0.0; self.side];
        for y in rows.clone() {
            sums.fill(0.0);
            for row in around(y).map(|y| &self.values[y * self.side..][..self.side]) {
                sums.iter_mut()
                    .zip(row)
                    .for_each(|(sum, value)| *sum += value);
            }
            let n_rows = n_common(rows, &around(y));
            for x in columns.clone() {
                let sum: f64 = sums[around(x)].iter().sum();
                values[y * self.side + x] = sum / (n_rows * n_common(columns, &around(x))) as f64;
            }
        }
        Self {
            known: self.known.clone(),
            values,
            ..*self
        }
    }
}

/// Number of common values of two ranges.
fn n_common(one: &Range<usize>, other: &Range<usize>) -> usize {
    let (start, end) = (one.start.max(other.start), one.end.min(other.end));
    end.saturating_sub(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plane of 8 × 8 whose value grows by 10 a column and by 1 a row.
    fn slope() -> Plane {
        let bytes: Vec<u8> = (0..64).map(|at| 10 * (at % 8) + at / 8).collect();
        Plane::of(&bytes, 8, 8)
    }

    /// The differences from the same plane, moved right by `pixels` and by `bias` in value.
    fn moved(pixels: f64, bias: f64) -> Differences {
        let axes = [
            Axis::new(8, 1.0, pixels * 2.0 / 8.0),
            Axis::new(8, 1.0, 0.0),
        ];
        Differences::new(&slope(), &slope(), &axes, (1.0, bias))
    }

    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }

    #[test]
    fn a_smaller_plane_has_the_means_of_squares() {
        let plane = Plane::of(&[1, 3, 10, 10, 5, 7, 10, 14, 0, 0, 1, 1, 0, 0, 1, 2], 4, 2);
        assert_eq!(plane.values, [4.0, 11.0, 0.0, 1.25]);
    }

    #[test]
    fn samples_lie_on_the_slope() {
        let columns = Axis::new(8, 1.0, 0.0);
        let (_, row) = Axis::new(8, 1.0, 0.5 * 2.0 / 8.0).taps().next().unwrap();
        let mut samples = Vec::new();
        slope().sample_row(&columns, row, &mut samples);
        assert_eq!(samples.len(), 8);
        assert_near(samples[3].value, 30.5);
        // Slopes are those over half of the side, 4 pixels.
        assert_near(samples[3].slope_x, 40.0);
        assert_near(samples[3].slope_y, 4.0);
    }

    #[test]
    fn columns_beyond_the_other_plane_are_unknown() {
        let moved = moved(2.0, 0.0);
        assert_eq!(moved.known, [0..6, 0..8]);
        // 20 less than the other plane wherever it is known, and smoothing adds nothing from beyond.
        assert_near(moved.root_mean_square(), 20.0);
        assert_near(moved.largest_block_mean(), 20.0);
        assert_near(moved.largest_in_block(), 20.0);
    }

    #[test]
    fn a_bias_is_subtracted() {
        assert_near(moved(0.0, 3.0).largest_in_block(), 3.0);
        assert_near(moved(0.0, 0.0).largest_in_block(), 0.0);
    }
}
