//! One restart of k-means: seeds by k-means++ (Arthur and Vassilvitskii 2007), then Lloyd's iterations (Lloyd 1982).

use ndarray::ArrayView2;

use crate::random::Keyed;

/// Maximum number of iterations; in practice assignments stop changing after some tens.
const MAX_ITERATIONS: usize = 300;

/// Points whose distances are computed side by side.
const BLOCK: usize = 512;

/// Points by blocks, and in a block by coordinates.
pub(super) struct Blocks {
    n_points: usize,
    dimensions: usize,
    /// For each block `[D, points of the block]`.
    blocks: Vec<Vec<f64>>,
}

impl Blocks {
    /// Points `[N, D]`.
    pub(super) fn of(points: ArrayView2<'_, f32>) -> Self {
        let (n_points, dimensions) = points.dim();
        let starts = (0..n_points).step_by(BLOCK);
        let block = |start: usize| {
            let rows = start..n_points.min(start + BLOCK);
            let of_axis = |axis: usize| rows.clone().map(move |row| f64::from(points[[row, axis]]));
            (0..dimensions).flat_map(of_axis).collect()
        };
        Self {
            n_points,
            dimensions,
            blocks: starts.map(block).collect(),
        }
    }

    /// `[N]`, the cluster of each point where `k` clusters end that start from seeds drawn by `random`. Some of them can
    /// be empty.
    ///
    /// There are at least `k` distinct points.
    pub(super) fn restart(&self, k: usize, mut random: Keyed) -> Vec<u32> {
        let mut centers = self.seeds(k, &mut random);
        let mut labels = vec![0; self.n_points];
        self.assign(&centers, &mut labels);
        for _ in 0..MAX_ITERATIONS {
            self.move_to_means(&mut centers, &labels);
            if !self.assign(&centers, &mut labels) {
                break;
            }
        }
        labels
    }

    /// Distinct points: the first of all equally likely, each further one by its squared distance to the nearest before.
    fn seeds(&self, k: usize, random: &mut Keyed) -> Vec<Vec<f64>> {
        let mut centers = vec![self.point(random.below(self.n_points))];
        let mut nearest = vec![f64::INFINITY; self.n_points];
        let mut squares = [0.0; BLOCK];
        while centers.len() < k {
            let last = &centers[centers.len() - 1];
            for (block, nearest) in self.blocks.iter().zip(nearest.chunks_mut(BLOCK)) {
                for (nearest, &square) in nearest.iter_mut().zip(squared(block, last, &mut squares))
                {
                    *nearest = nearest.min(square);
                }
            }
            centers.push(self.point(drawn(&nearest, random)));
        }
        centers
    }

    fn point(&self, at: usize) -> Vec<f64> {
        let block = &self.blocks[at / BLOCK];
        let len = block.len() / self.dimensions;
        (0..self.dimensions)
            .map(|axis| block[axis * len + at % BLOCK])
            .collect()
    }

    /// Assigns each point to the nearest center, the first of equally near ones, and returns whether any label changed.
    fn assign(&self, centers: &[Vec<f64>], labels: &mut [u32]) -> bool {
        let mut has_changed = false;
        let mut squares = [0.0; BLOCK];
        for (block, labels) in self.blocks.iter().zip(labels.chunks_mut(BLOCK)) {
            let mut nearest = [(f64::INFINITY, 0); BLOCK];
            for (label, center) in (0..).zip(centers) {
                let squares = squared(block, center, &mut squares);
                for (nearest, &square) in nearest.iter_mut().zip(squares) {
                    *nearest = if square < nearest.0 {
                        (square, label)
                    } else {
                        *nearest
                    };
                }
            }
            for (label, (_, nearest)) in labels.iter_mut().zip(nearest) {
                has_changed |= *label != nearest;
                *label = nearest;
            }
        }
        has_changed
    }

    /// Moves each center to the mean of its points; one without points stays.
    fn move_to_means(&self, centers: &mut [Vec<f64>], labels: &[u32]) {
        let mut sizes = vec![0.0; centers.len()];
        for &label in labels {
            sizes[label as usize] += 1.0;
        }
        for axis in 0..self.dimensions {
            let mut sums = vec![0.0; centers.len()];
            for (block, labels) in self.blocks.iter().zip(labels.chunks(BLOCK)) {
                let values = &block[axis * labels.len()..];
                for (&label, value) in labels.iter().zip(values) {
                    sums[label as usize] += value;
                }
            }
            for ((center, sum), &size) in centers.iter_mut().zip(sums).zip(&sizes) {
                if size > 0.0 {
                    center[axis] = sum / size;
                }
            }
        }
    }
}

/// Squared distances of a block's points to a center.
fn squared<'a>(block: &[f64], center: &[f64], squares: &'a mut [f64; BLOCK]) -> &'a [f64] {
    let len = block.len() / center.len();
    let squares = &mut squares[..len];
    squares.fill(0.0);
    for (values, &of_center) in block.chunks_exact(len).zip(center) {
        for (square, value) in squares.iter_mut().zip(values) {
            *square += (value - of_center) * (value - of_center);
        }
    }
    squares
}

/// An index by its weight; the weights are at least 0, and some are above.
fn drawn(weights: &[f64], random: &mut Keyed) -> usize {
    let total: f64 = weights.iter().sum();
    let mut left = f64::from(random.unit()) * total;
    let is_drawn = |&weight: &f64| {
        left -= weight;
        weight > 0.0 && left < 0.0
    };
    // Rounding can leave a rest behind the last weight.
    let last = weights.iter().rposition(|&weight| weight > 0.0);
    weights.iter().position(is_drawn).or(last).unwrap_or(0)
}
