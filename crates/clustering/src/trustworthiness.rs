//! Trustworthiness of an embedding.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::ClusterError;
use crate::points::{check_finite, squared_distance};

/// Share, in ranks, to which the `n_neighbors` nearest points of an embedding `[N, C]` are near in space `[N, D]` too:
/// 1 if all of them are, about one half for a random embedding (Venna & Kaski 2001, "Neighborhood preservation in
/// nonlinear projection methods", equation 1, as scikit-learn's `trustworthiness`). Of points equally far the one of
/// lower index counts as nearer; scikit-learn leaves their order to its sort.
///
/// `None` unless `0 < n_neighbors < N / 2`, where the measure isn't defined. The time goes with `N² log N`, the memory
/// with `N` a thread.
///
/// # Errors
/// Points and coordinates differ in number, or a coordinate is not finite.
pub fn trustworthiness(
    points: ArrayView2<'_, f32>,
    embedding: ArrayView2<'_, f32>,
    n_neighbors: usize,
) -> Result<Option<f64>, ClusterError> {
    let n = points.nrows();
    if n != embedding.nrows() {
        return Err(ClusterError::Coordinates {
            coordinates: embedding.nrows(),
            points: n,
        });
    }
    check_finite(points)?;
    check_finite(embedding)?;
    if n_neighbors == 0 || 2 * n_neighbors >= n {
        return Ok(None);
    }
    // Whole numbers, so that their sum is the same in any order.
    let penalty: usize = (0..n)
        .into_par_iter()
        .map(|i| penalty(points, embedding, n_neighbors, i))
        .sum();
    let worst = (n * n_neighbors * (2 * n - 3 * n_neighbors - 1)) as f64;
    Ok(Some(1.0 - 2.0 * penalty as f64 / worst))
}

/// Number of ranks by which the neighbors of point `i` in the embedding miss being its neighbors in space.
fn penalty(
    points: ArrayView2<'_, f32>,
    embedding: ArrayView2<'_, f32>,
    n_neighbors: usize,
    i: usize,
) -> usize {
    let mut rank = vec![0; points.nrows()];
    for (position, &j) in order_around(points, i).iter().enumerate() {
        rank[j] = position + 1;
    }
    let nearest = order_around(embedding, i).into_iter().take(n_neighbors);
    nearest.map(|j| rank[j].saturating_sub(n_neighbors)).sum()
}

/// The other points by their distance to point `i`.
fn order_around(points: ArrayView2<'_, f32>, i: usize) -> Vec<usize> {
    let mut others: Vec<(f64, usize)> = (0..points.nrows())
        .filter(|&j| j != i)
        .map(|j| (squared_distance(points.row(i), points.row(j)), j))
        .collect();
    others.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    others.into_iter().map(|(_, j)| j).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn an_embedding_with_the_same_neighbors_has_trustworthiness_1() {
        let points =
            Array2::from_shape_fn((20, 3), |(i, j)| ((i * i * 7 + 13 * j * i) % 37) as f32);
        let found = trustworthiness(points.view(), (&points * 3.0).view(), 5).unwrap();
        approx::assert_abs_diff_eq!(found.unwrap(), 1.0);
    }

    #[test]
    fn false_neighbors_cost_their_rank() {
        // The left end of a line moves beyond its right end. In the embedding the nearest to the points in turn are 15,
        // 3, 1, 3 and 0: fourth, second, first, first and fourth in space, which costs 3 + 1 + 0 + 0 + 3. The scale is
        // 5 · 1 · (2 · 5 - 3 · 1 - 1) = 30.
        let line = array![[0.0], [1.0], [3.0], [7.0], [15.0]];
        let embedding = array![[20.0], [1.0], [3.0], [7.0], [15.0]];
        let found = trustworthiness(line.view(), embedding.view(), 1).unwrap();
        approx::assert_abs_diff_eq!(found.unwrap(), 1.0 - 2.0 * 7.0 / 30.0, epsilon = 1e-12);
    }

    #[test]
    fn it_is_not_defined_for_too_few_points() {
        let points = array![[0.0], [1.0], [2.0], [3.0]];
        let of = |n_neighbors| trustworthiness(points.view(), points.view(), n_neighbors).unwrap();
        assert_eq!([of(0), of(2), of(9)], [None; 3]);
        assert!(of(1).is_some());
        assert!(trustworthiness(points.view(), array![[1.0]].view(), 1).is_err());
    }
}
