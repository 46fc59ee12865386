//! Resampling of authors.

use numeric::quantile;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Interval, Sample, design::Design, distributions::normal_tail};
use crate::{Metric, Scores, weighted_counts::WeightedCounts};

/// An interval for each of `M` statistics, by the percentile method of the cluster bootstrap (Efron 1979; Davison and
/// Hinkley 1997, §3.8): a replicate draws as many units as there are, with replacement, and counts all their images.
/// Images of one author resemble each other, so resampling single images would make intervals too narrow.
///
/// `units` `[N]` numbers the unit of each image: its author, or itself where there is none. `statistics` are computed
/// from the images drawn, each with its number of draws. Replicate `r` draws from `rng_of(r)`, so neither the number of
/// threads nor that of replicates shifts a draw. Quantiles interpolate linearly, as `numpy.quantile`. `None` with fewer
/// than two units or no replicates.
pub fn bootstrap<const M: usize>(
    units: &[usize],
    n_replicates: u64,
    rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
    statistics: impl Fn(&[(usize, u64)]) -> [f64; M] + Sync,
) -> Option<[Interval; M]> {
    let (starts, images) = images_by_unit(units);
    let n_units = starts.len() - 1;
    if n_units < 2 || n_replicates == 0 {
        return None;
    }
    let replicate = |r: u64| {
        let mut times = vec![0_u64; n_units];
        let mut rng = rng_of(r);
        for _ in 0..n_units {
            times[rng.random_range(0..n_units)] += 1;
        }
        let mut drawn = Vec::with_capacity(units.len());
        for (unit, &times) in times.iter().enumerate().filter(|(_, times)| **times > 0) {
            let members = &images[starts[unit]..starts[unit + 1]];
            drawn.extend(members.iter().map(|&image| (image, times)));
        }
        statistics(&drawn)
    };
    let replicates: Vec<[f64; M]> = (0..n_replicates).into_par_iter().map(replicate).collect();
    Some(std::array::from_fn(|statistic| {
        let mut values: Vec<f64> = replicates.iter().map(|values| values[statistic]).collect();
        values.sort_by(f64::total_cmp);
        Interval {
            low: quantile(&values, 0.025),
            high: quantile(&values, 0.975),
        }
    }))
}

/// Scores of each replicate, one for each of the `S` samples of `design`, by the rescaled bootstrap within classes (Rao
/// and Wu 1988): of a class's `m` units `m - 1` are drawn with replacement, each with a weight of `m / (m - 1)`. The
/// weights of a sample's images of a class are scaled to sum to their number. A single unit keeps its weight, as does a
/// class of a sample of which nothing was drawn.
///
/// Replicate `r` draws from `rng_of(r)`.
pub(super) fn within_classes<const S: usize>(
    design: &Design,
    samples: &[Sample<'_>; S],
    n_classes: usize,
    n_replicates: u64,
    rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
) -> Vec<[Scores; S]> {
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
        let mut cells = design.cells();
        samples.map(|sample| {
            let (own, rest) = cells.split_at(sample.predictions.len().min(cells.len()));
            // Two samples of the same images share their cells.
            if !rest.is_empty() {
                cells = rest;
            }
            weighted_scores(&sample, own, &weights, n_classes)
        })
    };
    (0..n_replicates).into_par_iter().map(replicate).collect()
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

/// Percentiles of each score's replicates, expanded so that they are as far out as the quantile `t` of Student's
/// distribution and not the normal one (Hesterberg 2015, §5.3; the weights of [`within_classes`] already make up for the
/// divisor).
pub(super) fn percentiles(replicates: impl Iterator<Item = Scores>, t: f64) -> Vec<Interval> {
    let tail = normal_tail(t);
    let replicates: Vec<Scores> = replicates.collect();
    (0..Metric::ALL.len())
        .map(|metric| {
            let mut values: Vec<f64> = replicates.iter().map(|scores| scores[metric]).collect();
            values.sort_by(f64::total_cmp);
            Interval {
                low: quantile(&values, tail),
                high: quantile(&values, 1.0 - tail),
            }
        })
        .collect()
}

/// Images unit by unit, with the start of each unit and the end of the last; units without images are left out.
fn images_by_unit(units: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by_key(|&image| units[image]);
    let starts = (0..order.len()).filter(|&i| i == 0 || units[order[i]] != units[order[i - 1]]);
    (starts.chain([order.len()]).collect(), order)
}
