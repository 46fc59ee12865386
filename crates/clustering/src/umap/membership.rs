//! Membership of a new point in the neighborhoods of the fitted points.

/// Tolerance of the memberships' sum, and the greatest number of halvings: umap-learn's.
const TOLERANCE: f64 = 1e-5;
const HALVINGS: usize = 64;
/// Least width relative to the mean distance, as in umap-learn.
const LEAST_WIDTH: f64 = 1e-3;

/// Memberships `[k]`, in `(0, 1]`, of a new point in the neighborhoods of its `k` nearest fitted points, whose
/// `distances` ascend: `exp(-d / σ)`.
///
/// As in umap-learn's `transform` (`smooth_knn_dist`, `compute_membership_strengths`): `σ` is such that the memberships
/// beyond the first sum to `log2 k`. A new point isn't its own neighbor, so no distance `ρ` is subtracted. Where all
/// neighbors nearly coincide with the point, `σ` is at least a thousandth of the mean of `distances`; umap-learn takes
/// the mean over all new points, which would make the coordinates of one point depend on the others.
#[must_use]
pub fn memberships(distances: &[f32]) -> Vec<f32> {
    let mean = distances.iter().map(|&d| f64::from(d)).sum::<f64>() / distances.len() as f64;
    let width = width(distances).max(LEAST_WIDTH * mean);
    distances.iter().map(|&d| membership(d, width)).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "memberships have single precision"
)]
fn membership(distance: f32, width: f64) -> f32 {
    match distance > 0.0 {
        // Far neighbors of a narrow point have a tiny membership, never none.
        true => ((-f64::from(distance) / width).exp() as f32).max(f32::MIN_POSITIVE),
        false => 1.0,
    }
}

/// Bisection for `σ`, which doubles until the sum is too large.
fn width(distances: &[f32]) -> f64 {
    let target = (distances.len() as f64).log2();
    let (mut low, mut high, mut width) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..HALVINGS {
        let others = distances.iter().skip(1);
        let sum: f64 = others.map(|&d| (-f64::from(d) / width).exp()).sum();
        if (sum - target).abs() < TOLERANCE {
            break;
        }
        if sum > target {
            high = width;
        } else {
            low = width;
        }
        width = if high.is_finite() {
            f64::midpoint(low, high)
        } else {
            2.0 * width
        };
    }
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_distances_share_the_target_evenly() {
        // Three neighbors beyond the first share log2 4 = 2; the first is as far and has as much.
        for strength in memberships(&[3.0; 4]) {
            approx::assert_abs_diff_eq!(strength, 2.0 / 3.0, epsilon = 1e-5);
        }
    }

    #[test]
    fn the_scale_of_the_distances_does_not_matter() {
        let near = memberships(&[1.0, 2.0, 3.0, 5.0]);
        let far = memberships(&[1000.0, 2000.0, 3000.0, 5000.0]);
        for (near, far) in near.iter().zip(&far) {
            approx::assert_abs_diff_eq!(near, far, epsilon = 1e-4);
        }
    }

    #[test]
    fn a_point_at_a_fitted_one_belongs_to_it() {
        assert_eq!(memberships(&[0.0, 0.0, 0.0]), [1.0; 3]);
        let strengths = memberships(&[0.0, 1.0, 2.0, 3.0]);
        assert!(strengths[0].to_bits() == 1.0_f32.to_bits() && strengths[1] < 1.0);
        assert_eq!(memberships(&[]), [0.0_f32; 0]);
        assert!(memberships(&[5.0])[0] > 0.0);
    }
}
