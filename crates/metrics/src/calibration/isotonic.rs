//! Isotonic regression.

use serde::{Deserialize, Serialize};

use super::Curve;
use crate::MetricError;

/// The rising curve of least squares (Zadrozny and Elkan 2002) by pooling of adjacent violators (Ayer et al. 1955);
/// linear between its knots and constant beyond them, as scikit-learn's `IsotonicRegression(out_of_bounds="clip")`. Its
/// values may be 0 and 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(f64, f64)>", into = "Vec<(f64, f64)>")]
pub struct Isotonic {
    /// `(value, probability)`: values rise, probabilities don't fall. At least one.
    knots: Vec<(f64, f64)>,
}

/// Images of adjacent values, with one level.
#[derive(Clone, Copy)]
struct Pool {
    n_class: u64,
    n: u64,
    /// Number of distinct values.
    n_values: usize,
}

impl Curve for Isotonic {
    fn fit(values: &[f64], is_class: &[bool]) -> Self {
        let (values, pools) = by_value(values, is_class);
        let levels = pooled(pools)
            .into_iter()
            .flat_map(|pool| std::iter::repeat_n(pool.level(), pool.n_values));
        let knots: Vec<(f64, f64)> = values.into_iter().zip(levels).collect();
        Self {
            knots: without_middles(&knots),
        }
    }

    fn apply(&self, value: f64) -> f64 {
        let after = self.knots.partition_point(|knot| knot.0 < value);
        let Some(&(right, high)) = self.knots.get(after) else {
            return self.knots[self.knots.len() - 1].1;
        };
        let Some(&(left, low)) = after.checked_sub(1).map(|before| &self.knots[before]) else {
            return high;
        };
        low + (high - low) * (value - left) / (right - left)
    }
}

impl Pool {
    fn level(self) -> f64 {
        self.n_class as f64 / self.n as f64
    }

    fn join(self, other: Self) -> Self {
        Self {
            n_class: self.n_class + other.n_class,
            n: self.n + other.n,
            n_values: self.n_values + other.n_values,
        }
    }
}

/// Distinct values, rising, and the images that have them.
fn by_value(values: &[f64], is_class: &[bool]) -> (Vec<f64>, Vec<Pool>) {
    let mut pairs: Vec<(f64, bool)> = values
        .iter()
        .copied()
        .zip(is_class.iter().copied())
        .collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let runs = || pairs.chunk_by(|a, b| a.0 >= b.0);
    let pool = |run: &[(f64, bool)]| Pool {
        n_class: run.iter().filter(|(_, is_class)| *is_class).count() as u64,
        n: run.len() as u64,
        n_values: 1,
    };
    (
        runs().map(|run| run[0].0).collect(),
        runs().map(pool).collect(),
    )
}

/// Neighbors joined until the levels rise.
fn pooled(pools: Vec<Pool>) -> Vec<Pool> {
    let mut joined: Vec<Pool> = Vec::new();
    for mut pool in pools {
        while let Some(last) = joined.pop_if(|last| last.level() >= pool.level()) {
            pool = last.join(pool);
        }
        joined.push(pool);
    }
    joined
}

/// The knots without those whose neighbors are at the same level.
fn without_middles(knots: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let is_level = |a: usize, b: usize| knots[a].1 >= knots[b].1;
    let is_middle =
        |i: usize| i > 0 && i + 1 < knots.len() && is_level(i - 1, i) && is_level(i, i + 1);
    let kept = (0..knots.len()).filter(|&i| !is_middle(i));
    kept.map(|i| knots[i]).collect()
}

impl TryFrom<Vec<(f64, f64)>> for Isotonic {
    type Error = MetricError;

    fn try_from(knots: Vec<(f64, f64)>) -> Result<Self, MetricError> {
        let rises = |pair: &[(f64, f64)]| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1;
        let is_probability =
            |knot: &(f64, f64)| knot.0.is_finite() && (0.0..=1.0).contains(&knot.1);
        if knots.is_empty() || !knots.windows(2).all(rises) || !knots.iter().all(is_probability) {
            return Err(MetricError::Knots(knots));
        }
        Ok(Self { knots })
    }
}

impl From<Isotonic> for Vec<(f64, f64)> {
    fn from(curve: Isotonic) -> Self {
        curve.knots
    }
}
