//! One restart of k-means: seeds by k-means++ (Arthur and Vassilvitskii 2007), then Lloyd's iterations (Lloyd 1982).

use numeric::Columns;

use crate::random::Keyed;

/// Maximum number of iterations; in practice assignments stop changing after some tens.
const MAX_ITERATIONS: usize = 300;

/// `[N]`, the cluster of each point after iterations that start from `k` seeds drawn by `random`. Some clusters can be
/// empty.
///
/// There are at least `k` distinct points.
pub(super) fn restart(points: &Columns, k: usize, mut random: Keyed) -> Vec<u32> {
    let mut centers = seeds(points, k, &mut random);
    let mut labels = vec![0; points.n_points()];
    assign(points, &centers, &mut labels);
    for _ in 0..MAX_ITERATIONS {
        move_to_means(points, &mut centers, &labels);
        if !assign(points, &centers, &mut labels) {
            break;
        }
    }
    labels
}

/// Distinct points: the first of all equally likely, each further one by its squared distance to the nearest before.
fn seeds(points: &Columns, k: usize, random: &mut Keyed) -> Vec<Vec<f64>> {
    let mut last = points.point(random.below(points.n_points()));
    let mut nearest = vec![f64::INFINITY; points.n_points()];
    let mut squares = nearest.clone();
    let mut centers = Vec::with_capacity(k);
    while centers.len() + 1 < k {
        points.squared_distances(&last, &mut squares);
        for (nearest, &square) in nearest.iter_mut().zip(&squares) {
            *nearest = nearest.min(square);
        }
        centers.push(last);
        last = points.point(drawn(&nearest, random));
    }
    centers.push(last);
    centers
}

/// Assigns each point to the nearest center, the first of equally near ones, and returns whether any label changed.
fn assign(points: &Columns, centers: &[Vec<f64>], labels: &mut [u32]) -> bool {
    let mut nearest = vec![(f64::INFINITY, 0); labels.len()];
    let mut squares = vec![0.0; labels.len()];
    for (label, center) in (0..).zip(centers) {
        points.squared_distances(center, &mut squares);
        for (nearest, &square) in nearest.iter_mut().zip(&squares) {
            *nearest = if square < nearest.0 {
                (square, label)
            } else {
                *nearest
            };
        }
    }
    let mut has_changed = false;
    for (label, (_, nearest)) in labels.iter_mut().zip(nearest) {
        has_changed |= *label != nearest;
        *label = nearest;
    }
    has_changed
}

/// Moves each center to the mean of its points; one without points stays.
fn move_to_means(points: &Columns, centers: &mut [Vec<f64>], labels: &[u32]) {
    let mut sizes = vec![0.0; centers.len()];
    for &label in labels {
        sizes[label as usize] += 1.0;
    }
    for (axis, column) in points.columns().iter().enumerate() {
        let mut sums = vec![0.0; centers.len()];
        for (&label, value) in labels.iter().zip(column) {
            sums[label as usize] += value;
        }
        for ((center, sum), &size) in centers.iter_mut().zip(sums).zip(&sizes) {
            if size > 0.0 {
                center[axis] = sum / size;
            }
        }
    }
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
