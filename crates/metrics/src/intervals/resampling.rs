//! Resampling of authors.

use numeric::quantile;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{design::Design, distributions::normal_tail, interval::Interval, sample::Sample};
use crate::{Scores, weighted_counts::WeightedCounts};

/// A value of each replicate, computed from the weights of the cells, by the rescaled bootstrap within classes (Rao and
/// Wu 1988): of a class's `m` units `m - 1` are drawn with replacement, each with a weight of `m / (m - 1)`. A single
/// unit keeps its weight.
///
/// Replicate `r` draws from `rng_of(r)`.
pub(super) fn replicates<T: Send>(
    design: &Design,
    n_replicates: u64,
    rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
    value: impl Fn(&[f64]) -> T + Sync,
) -> Vec<T> {
    let replicate = |r: u64| {
        let mut rng = rng_of(r);
        let mut weights = vec![1.0; design.n_cells()];
        for cells in design.cells_of_classes().filter(|cells| cells.len() > 1) {
            let n_draws = cells.len() - 1;
            weights[cells.clone()].fill(0.0);
            for _ in 0..n_draws {
                weights[rng.random_range(cells.clone())] += cells.len() as f64 / n_draws as f64;
            }
        }
        value(&weights)
    };
    (0..n_replicates).into_par_iter().map(replicate).collect()
}

/// Scores of each of the [`replicates`], one for each of the `S` samples of `design`. The weights of a sample's images of a
/// class are scaled to sum to their number. A class of a sample of which nothing was drawn keeps its weights.
pub(super) fn within_classes<const S: usize>(
    design: &Design,
    samples: &[Sample<'_>; S],
    n_classes: usize,
    n_replicates: u64,
    rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
) -> Vec<[Scores; S]> {
    replicates(design, n_replicates, rng_of, |weights| {
        let mut cells = design.cells();
        samples.map(|sample| {
            let (own, rest) = cells.split_at(sample.predictions.len().min(cells.len()));
            // Two samples of the same images share their cells.
            if !rest.is_empty() {
                cells = rest;
            }
            weighted_scores(&sample, own, weights, n_classes)
        })
    })
}

fn weighted_scores(
    sample: &Sample<'_>,
    cells: &[usize],
    weights: &[f64],
    n_classes: usize,
) -> Scores {
    // By class: number of images, and sum of their weights.
    let mut totals = vec![(0.0, 0.0); n_classes];
    for (image, &cell) in sample.predictions.iter().zip(cells) {
        totals[image.actual].0 += 1.0;
        totals[image.actual].1 += weights[cell];
    }
    let mut counts = WeightedCounts::new(n_classes);
    for (image, &cell) in sample.predictions.iter().zip(cells) {
        let (images, sum) = totals[image.actual];
        let weight = if sum > 0.0 {
            weights[cell] * images / sum
        } else {
            1.0
        };
        if weight > 0.0 {
            counts.add(image, weight);
        }
    }
    counts.scores()
}

/// Percentiles of each of `M` statistics of replicates, expanded so that they are as far out as the quantile `t` of
/// Student's distribution and not the normal one (Hesterberg 2015, §5.3; the weights of [`replicates`] already make up for
/// the divisor).
pub(super) fn percentiles<const M: usize>(
    replicates: impl Iterator<Item = [f64; M]>,
    t: f64,
) -> Vec<Interval> {
    let tail = normal_tail(t);
    let replicates: Vec<[f64; M]> = replicates.collect();
    (0..M)
        .map(|statistic| {
            let mut values: Vec<f64> = replicates.iter().map(|values| values[statistic]).collect();
            values.sort_by(f64::total_cmp);
            Interval {
                low: quantile(&values, tail),
                high: quantile(&values, 1.0 - tail),
            }
        })
        .collect()
}
