//! Intervals of the scores by resampling authors.

use numeric::quantile;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{ConfusionCounts, Metric, MetricError, ScoredPrediction};

/// The middle 95 % of a bootstrap distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The 2.5 % quantile.
    pub low: f64,
    /// The 97.5 % quantile.
    pub high: f64,
}

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

/// [`bootstrap`] of each of [`Metric::ALL`].
///
/// # Errors
/// `units` is not as long as `predictions`.
pub fn intervals(
    n_classes: usize,
    predictions: &[ScoredPrediction],
    units: &[usize],
    n_replicates: u64,
    rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
) -> Result<Option<[Interval; Metric::ALL.len()]>, MetricError> {
    if units.len() != predictions.len() {
        return Err(MetricError::Length {
            list: "units",
            found: units.len(),
            expected: predictions.len(),
        });
    }
    Ok(bootstrap(units, n_replicates, rng_of, |drawn| {
        let mut counts = ConfusionCounts::new(n_classes);
        for &(image, times) in drawn {
            counts.add(&predictions[image], times);
        }
        counts.scores()
    }))
}

/// Images unit by unit, with the start of each unit and the end of the last; units without images are left out.
fn images_by_unit(units: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by_key(|&image| units[image]);
    let starts = (0..order.len()).filter(|&i| i == 0 || units[order[i]] != units[order[i - 1]]);
    (starts.chain([order.len()]).collect(), order)
}
