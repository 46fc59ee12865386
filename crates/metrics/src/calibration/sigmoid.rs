//! Platt scaling.

use serde::{Deserialize, Serialize};

use super::Curve;

/// The sigmoid `1 / (1 + exp(a f + b))` of a model's score `f` (Platt 1999; Lin, Lin and Weng 2007, eq. 1); it falls
/// for `a > 0`.
///
/// It is fitted to softened targets, `(n₊ + 1) / (n₊ + 2)` for the images of the class and `1 / (n₋ + 2)` for the
/// others (Platt 1999, §2.2), so that it is never 0 or 1; by Newton's method with backtracking (Lin, Lin and Weng 2007,
/// algorithm 1). The minimum is the one of scikit-learn's `_SigmoidCalibration`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sigmoid {
    /// Negative slope.
    pub a: f64,
    /// Negative offset.
    pub b: f64,
}

/// Maximum number of steps of Newton's method; ten are many.
const MAX_STEPS: usize = 100;
/// Added to the curvature, which is 0 where all scores are equal.
const RIDGE: f64 = 1e-12;
/// Smallest step tried, relative to Newton's.
const LEAST_STEP: f64 = 1e-10;
/// Share of the predicted decrease that a step must reach (Armijo).
const LEAST_GAIN: f64 = 1e-4;

impl Curve for Sigmoid {
    fn fit(values: &[f64], is_class: &[bool]) -> Self {
        let n_class = is_class.iter().filter(|is_class| **is_class).count() as f64;
        let n_rest = is_class.len() as f64 - n_class;
        let target = |is_class: &bool| {
            if *is_class {
                (n_class + 1.0) / (n_class + 2.0)
            } else {
                1.0 / (n_rest + 2.0)
            }
        };
        let targets = is_class.iter().map(target);
        let points: Vec<(f64, f64)> = values.iter().copied().zip(targets).collect();
        let mut curve = Self {
            a: 0.0,
            b: ((n_rest + 1.0) / (n_class + 1.0)).ln(),
        };
        for _ in 0..MAX_STEPS {
            match curve.improved(&points) {
                Some(better) => curve = better,
                None => break,
            }
        }
        curve
    }

    fn apply(&self, value: f64) -> f64 {
        1.0 / (1.0 + (self.a * value + self.b).exp())
    }
}

impl Sigmoid {
    /// One step towards the least cross-entropy of `points`, pairs of a value and its target; `None` at the end.
    fn improved(self, points: &[(f64, f64)]) -> Option<Self> {
        let (mut by_a, mut by_b) = (0.0, 0.0);
        let (mut aa, mut ab, mut bb) = (RIDGE, 0.0, RIDGE);
        for &(f, target) in points {
            let p = self.apply(f);
            by_a += f * (target - p);
            by_b += target - p;
            let curvature = p * (1.0 - p);
            aa += f * f * curvature;
            ab += f * curvature;
            bb += curvature;
        }
        let determinant = aa * bb - ab * ab;
        let step_a = (ab * by_b - bb * by_a) / determinant;
        let step_b = (ab * by_a - aa * by_b) / determinant;
        let foretold = by_a * step_a + by_b * step_b;
        let loss = self.loss(points);
        let mut size = 1.0;
        while size >= LEAST_STEP {
            let next = Self {
                a: self.a + size * step_a,
                b: self.b + size * step_b,
            };
            if next.loss(points) < loss + LEAST_GAIN * size * foretold {
                return Some(next);
            }
            size /= 2.0;
        }
        None
    }

    /// Cross-entropy of targets `t`: `t x + ln(1 + exp(−x))` with `x = a f + b`, without overflow.
    fn loss(self, points: &[(f64, f64)]) -> f64 {
        let of_point = |&(f, target): &(f64, f64)| {
            let x = self.a * f + self.b;
            target * x + (-x).max(0.0) + (-x.abs()).exp().ln_1p()
        };
        points.iter().map(of_point).sum()
    }
}
