//! Medians and quantiles.

use std::cmp::Ordering;

/// The median, of an even number the mean of the middle two, as `numpy.median`. NaN without values.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}

/// The middle one of `values` in the order of `compare`, of an even number the later of the middle two: in ascending
/// order Python's `statistics.median_high`, in descending order its `median_low`. None without values.
pub fn median_high<T: Copy>(values: &[T], compare: impl FnMut(&T, &T) -> Ordering) -> Option<T> {
    let mut values = values.to_vec();
    values.sort_by(compare);
    values.get(values.len() / 2).copied()
}

/// The quantile `q`, from 0 to 1, of values that are `sorted` and not empty, linear between neighbors, as
/// `numpy.quantile`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position within a list"
)]
#[must_use]
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = sorted[position.floor() as usize];
    let above = sorted[position.ceil() as usize];
    below + (above - below) * position.fract()
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        assert_abs_diff_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_abs_diff_eq!(median(&[9.0, 1.0, 2.0, 4.0]), 3.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn the_high_median_is_one_of_the_values() {
        assert_eq!(median_high(&[9, 1, 2], u32::cmp), Some(2));
        assert_eq!(median_high(&[9, 1, 2, 4], u32::cmp), Some(4));
        assert_eq!(median_high(&[9, 1, 2, 4], |a, b| b.cmp(a)), Some(2));
        assert_eq!(median_high(&[], u32::cmp), None);
    }

    #[test]
    fn quantiles_are_linear_between_neighbors() {
        let sorted = [1.0, 2.0, 4.0];
        for (q, expected) in [(0.0, 1.0), (0.25, 1.5), (0.5, 2.0), (0.75, 3.0), (1.0, 4.0)] {
            assert_abs_diff_eq!(quantile(&sorted, q), expected);
        }
    }

    #[test]
    fn the_median_is_the_quantile_in_the_middle() {
        for n in 1_u32..9 {
            let mut values: Vec<f64> = (0..n).map(|i| f64::from(i * i * 7 % 11)).collect();
            let found = median(&values);
            values.reverse();
            assert_abs_diff_eq!(median(&values), found);
            values.sort_by(f64::total_cmp);
            assert_abs_diff_eq!(quantile(&values, 0.5), found);
        }
    }
}
