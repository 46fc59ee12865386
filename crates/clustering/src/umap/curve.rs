//! Similarity as a function of the distance in the embedding.

use crate::ClusterError;

/// Samples of the target, and how far they reach in units of `spread`: umap-learn's.
const SAMPLES: usize = 300;
const REACH: f64 = 3.0;

/// Similarity `1 / (1 + a d^(2b))` of two points at distance `d` in the embedding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    /// Scale, above 0.
    pub a: f64,
    /// Half of the exponent, above 0.
    pub b: f64,
}

impl Curve {
    /// The curve closest, by least squares, to 1 below `min_dist` and `exp(-(d - min_dist) / spread)` beyond, as
    /// umap-learn's `find_ab_params`.
    ///
    /// # Errors
    /// `spread` is not above 0, or `min_dist` not in `[0, spread]`.
    pub fn fit(min_dist: f64, spread: f64) -> Result<Self, ClusterError> {
        if !(spread > 0.0 && spread.is_finite()) {
            return Err(ClusterError::Parameter {
                name: "spread",
                found: spread.to_string(),
                expected: "above 0",
            });
        }
        if !(0.0..=spread).contains(&min_dist) {
            let found = min_dist.to_string();
            return Err(ClusterError::Parameter {
                name: "min_dist",
                found,
                expected: "0 to `spread`",
            });
        }
        Ok(least_squares(&target(min_dist, spread)))
    }

    fn at(self, d: f64) -> f64 {
        1.0 / (1.0 + self.a * d.powf(2.0 * self.b))
    }
}

/// Pairs of a distance and its target similarity.
fn target(min_dist: f64, spread: f64) -> Vec<(f64, f64)> {
    (0..SAMPLES)
        .map(|i| {
            let d = REACH * spread * i as f64 / (SAMPLES - 1) as f64;
            (
                d,
                if d < min_dist {
                    1.0
                } else {
                    (-(d - min_dist) / spread).exp()
                },
            )
        })
        .collect()
}

/// Levenberg-Marquardt from `a = b = 1`: Gauss-Newton steps, damped more after each one that would not improve.
fn least_squares(target: &[(f64, f64)]) -> Curve {
    let mut curve = Curve { a: 1.0, b: 1.0 };
    let mut error = squared_error(curve, target);
    let mut damping = 1e-3;
    for _ in 0..500 {
        let step = damped_step(curve, target, damping);
        let next = Curve {
            a: curve.a + step.0,
            b: curve.b + step.1,
        };
        let next_error = squared_error(next, target);
        if next.a > 0.0 && next.b > 0.0 && next_error <= error {
            curve = next;
            error = next_error;
            damping *= 0.1;
            if step.0.abs() < 1e-12 * curve.a && step.1.abs() < 1e-12 * curve.b {
                break;
            }
        } else if damping > 1e12 {
            break;
        } else {
            damping *= 10.0;
        }
    }
    curve
}

fn squared_error(curve: Curve, target: &[(f64, f64)]) -> f64 {
    target.iter().map(|&(d, y)| (curve.at(d) - y).powi(2)).sum()
}

/// Solves the 2×2 normal equations with their diagonal scaled up by the damping.
fn damped_step(curve: Curve, target: &[(f64, f64)], damping: f64) -> (f64, f64) {
    let (mut aa, mut ab, mut bb, mut ra, mut rb) = (0.0, 0.0, 0.0, 0.0, 0.0);
    // The curve is 1 at distance 0 for all a and b: the first sample has no information.
    for &(d, y) in &target[1..] {
        let f = curve.at(d);
        let power = d.powf(2.0 * curve.b);
        let by_a = -power * f * f;
        let by_b = -2.0 * curve.a * power * d.ln() * f * f;
        aa += by_a * by_a;
        ab += by_a * by_b;
        bb += by_b * by_b;
        ra += by_a * (f - y);
        rb += by_b * (f - y);
    }
    aa *= 1.0 + damping;
    bb *= 1.0 + damping;
    let determinant = aa * bb - ab * ab;
    (
        (ab * rb - bb * ra) / determinant,
        (ab * ra - aa * rb) / determinant,
    )
}
