//! Intervals of the scores by resampling authors.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{Judgment, Metric, MetricError, Scores, Tally};

/// The middle 95 % of a bootstrap distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The 2.5 % quantile.
    pub low: f64,
    /// The 97.5 % quantile.
    pub high: f64,
}

/// An interval for each of [`Metric::ALL`], by the percentile method of the cluster bootstrap (Efron 1979; Davison and
/// Hinkley 1997, §3.8): a replicate draws as many units as there are, with replacement, and counts all their pictures.
/// Pictures of one author resemble each other, so resampling single pictures would make intervals too narrow.
///
/// `units` `[N]` numbers the unit of each picture: its author, or itself where there is none. Replicate `r` draws from
/// `rng_of(r)`, so neither the number of threads nor that of replicates shifts a draw. Quantiles interpolate linearly,
/// as `numpy.quantile`. `None` with fewer than two units or no replicates.
///
/// # Errors
/// `units` is not as long as `judgments`.
pub fn intervals(
    n_classes: usize,
    judgments: &[Judgment],
    units: &[usize],
    n_replicates: u64,
    rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
) -> Result<Option<[Interval; Metric::ALL.len()]>, MetricError> {
    if units.len() != judgments.len() {
        return Err(MetricError::Length {
            what: "units",
            found: units.len(),
            expected: judgments.len(),
        });
    }
    let (starts, members) = members_by_unit(judgments, units);
    let n_units = starts.len() - 1;
    if n_units < 2 || n_replicates == 0 {
        return Ok(None);
    }
    let replicate = |r: u64| {
        let mut times = vec![0_u64; n_units];
        let mut rng = rng_of(r);
        for _ in 0..n_units {
            times[rng.random_range(0..n_units)] += 1;
        }
        let mut tally = Tally::new(n_classes);
        for (unit, &times) in times.iter().enumerate().filter(|(_, times)| **times > 0) {
            for judgment in &members[starts[unit]..starts[unit + 1]] {
                tally.add(judgment, times);
            }
        }
        tally.scores()
    };
    let replicates: Vec<Scores> = (0..n_replicates).into_par_iter().map(replicate).collect();
    Ok(Some(std::array::from_fn(|metric| {
        let mut values: Vec<f64> = replicates.iter().map(|scores| scores[metric]).collect();
        values.sort_by(f64::total_cmp);
        Interval {
            low: quantile(&values, 0.025),
            high: quantile(&values, 0.975),
        }
    })))
}

/// Judgments unit by unit, with the start of each unit and the end of the last; units without pictures are left out.
fn members_by_unit(judgments: &[Judgment], units: &[usize]) -> (Vec<usize>, Vec<Judgment>) {
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by_key(|&picture| units[picture]);
    let starts = (0..order.len()).filter(|&i| i == 0 || units[order[i]] != units[order[i - 1]]);
    let starts = starts.chain([order.len()]).collect();
    let members = order.iter().map(|&picture| judgments[picture]).collect();
    (starts, members)
}

/// The `q` quantile of the values, which are sorted and not empty.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position within a list"
)]
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = sorted[position.floor() as usize];
    let above = sorted[position.ceil() as usize];
    below + (above - below) * position.fract()
}
