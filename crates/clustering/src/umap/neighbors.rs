//! Exact nearest neighbors.

use std::cmp::Ordering;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};
use rayon::prelude::*;

use crate::ClusterError;
use crate::points::squared_distance;

/// Points whose products with all others are held at once.
const BLOCK: usize = 128;

/// Each point's nearest points, itself first, then by distance, then by index.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbors {
    /// `[N, k]`, indices of points.
    pub indices: Array2<u32>,
    /// `[N, k]`, Euclidean distances, ascending.
    pub distances: Array2<f32>,
}

/// The `k` nearest of the points `[N, D]` to each of them, itself included; all `N` if there are fewer than `k`.
///
/// Products of blocks of points find the candidates; the error of single precision is bounded and the candidates within
/// it are compared by distances in double precision, so the result is exact, and the same on any machine.
///
/// # Errors
/// There are 2^32 points or more.
pub fn nearest_neighbors(points: ArrayView2<'_, f32>, k: usize) -> Result<Neighbors, ClusterError> {
    let n = points.nrows();
    u32::try_from(n).map_err(|_| ClusterError::TooManyPoints(n))?;
    let k = k.min(n);
    // Centering keeps the distances and shrinks the norms, and with them the error to allow for.
    let centered = points
        .mean_axis(Axis(0))
        .map_or_else(|| points.to_owned(), |mean| &points - &mean);
    let search = Search {
        points,
        norms: centered
            .rows()
            .into_iter()
            .map(|row| row.dot(&row))
            .collect(),
        centered,
        k,
    };
    let blocks: Vec<Vec<(u32, f32)>> = (0..n.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| search.of_block(block))
        .collect();
    let (indices, distances) = blocks.into_iter().flatten().unzip::<_, _, Vec<_>, Vec<_>>();
    let shaped = "each point has k neighbors";
    Ok(Neighbors {
        indices: Array2::from_shape_vec((n, k), indices).expect(shaped),
        distances: Array2::from_shape_vec((n, k), distances).expect(shaped),
    })
}

struct Search<'a> {
    points: ArrayView2<'a, f32>,
    centered: Array2<f32>,
    /// Squared norms of the centered points.
    norms: Vec<f32>,
    k: usize,
}

impl Search<'_> {
    fn of_block(&self, block: usize) -> Vec<(u32, f32)> {
        let first = block * BLOCK;
        let last = (first + BLOCK).min(self.points.nrows());
        let products = self
            .centered
            .slice(s![first..last, ..])
            .dot(&self.centered.t()); // [block, N]
        (first..last)
            .flat_map(|i| self.of_point(i, products.row(i - first)))
            .collect()
    }

    /// The neighbors of point `i`, given its products with all points.
    fn of_point(&self, i: usize, products: ArrayView1<'_, f32>) -> Vec<(u32, f32)> {
        // Squared distances less the point's own squared norm, which all share.
        let scores: Vec<f32> = products
            .iter()
            .zip(&self.norms)
            .map(|(product, norm)| norm - 2.0 * product)
            .collect();
        let threshold = self.threshold(&scores);
        let mut ranked: Vec<(f64, bool, u32)> = (0_u32..)
            .zip(&scores)
            // Written so that scores that overflowed stay candidates.
            .filter(|&(_, &score)| score.partial_cmp(&threshold) != Some(Ordering::Greater))
            .map(|(j, _)| {
                (
                    squared_distance(self.points.row(i), self.points.row(j as usize)),
                    j as usize != i,
                    j,
                )
            })
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        ranked
            .into_iter()
            .take(self.k)
            .map(|(squared, _, j)| (j, root(squared)))
            .collect()
    }

    /// No score above it belongs to one of the `k` nearest: the `k`-th least score and twice the rounding error.
    fn threshold(&self, scores: &[f32]) -> f32 {
        let mut order = scores.to_vec();
        let (_, &mut kth, _) = order.select_nth_unstable_by(self.k - 1, f32::total_cmp);
        let largest = self.norms.iter().copied().fold(0.0, f32::max);
        // Each of the two sums of `D` products errs by `D ε` of the norms at most (Higham 2002, section 3.1).
        let error = (4.0 * self.points.ncols() as f32 + 16.0) * f32::EPSILON * largest;
        kth + 2.0 * error
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "umap-rs takes distances in single precision"
)]
fn root(squared: f64) -> f32 {
    squared.sqrt() as f32
}
