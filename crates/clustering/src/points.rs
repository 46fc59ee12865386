//! Input points, validated once.

use std::cmp::Ordering;

use ndarray::{Array2, ArrayView1, ArrayView2};
use numeric::check_rows;

use crate::ClusterError;

/// Points `[N, D]` of `rows`, whose lengths are checked to agree.
///
/// # Errors
/// A row differs in length from the first, or holds a number that is not finite.
pub fn points_from_rows(rows: &[&[f32]]) -> Result<Array2<f32>, ClusterError> {
    let expected = rows.first().map_or(0, |row| row.len());
    check_rows(rows, expected)?;
    Ok(Array2::from_shape_fn((rows.len(), expected), |(i, j)| {
        rows[i][j]
    }))
}

/// Fails on the first point with a coordinate that is not finite.
pub(crate) fn check_finite(points: ArrayView2<'_, f32>) -> Result<(), ClusterError> {
    let bad = points
        .rows()
        .into_iter()
        .position(|row| row.iter().any(|v| !v.is_finite()));
    bad.map_or(Ok(()), |row| Err(ClusterError::NotFinite { row }))
}

/// Number of distinct points of `[N, D]`.
#[must_use]
pub fn count_distinct(points: ArrayView2<'_, f32>) -> usize {
    let mut rows: Vec<_> = points.rows().into_iter().collect();
    rows.sort_by(compare);
    rows.dedup_by(|a, b| compare(a, b) == Ordering::Equal);
    rows.len()
}

/// Lexicographic order in which 0 and -0 are equal, as they are for distances.
fn compare(a: &ArrayView1<'_, f32>, b: &ArrayView1<'_, f32>) -> Ordering {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a + 0.0).total_cmp(&(b + 0.0)))
        .find(|o| o.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Squared Euclidean distance, summed in double precision.
pub(crate) fn squared_distance(a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> f64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| {
            let difference = f64::from(a) - f64::from(b);
            difference * difference
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn rows_must_agree_and_be_finite() {
        let ok = points_from_rows(&[&[1.0, 2.0], &[3.0, 4.0]]).unwrap();
        assert_eq!(ok, array![[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(points_from_rows(&[]).unwrap().dim(), (0, 0));
        let ragged = points_from_rows(&[&[1.0, 2.0], &[3.0]]).unwrap_err();
        assert_eq!(
            ragged.to_string(),
            "point 1 has 1 dimensions, expected 2 as the first point has"
        );
        let infinite = points_from_rows(&[&[1.0], &[f32::NAN]]).unwrap_err();
        assert_eq!(
            infinite.to_string(),
            "point 1 has a coordinate that is not finite"
        );
    }

    #[test]
    fn minus_zero_equals_zero() {
        assert_eq!(
            count_distinct(array![[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0], [0.0, 1.0]].view()),
            2
        );
    }
}
