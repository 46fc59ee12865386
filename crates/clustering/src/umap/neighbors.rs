//! Exact nearest neighbors.

use std::cmp::Ordering;
use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, concatenate, s};
use rayon::prelude::*;

use crate::ClusterError;
use crate::points::squared_distance;

/// Queries that a thread searches for at a time.
const BLOCK: usize = 256;

/// References whose products with a block of queries are in memory at once, so that they stay in the cache.
const TILE: usize = 1024;

/// References of which the least score is kept; of the groups with the least of all, scores are computed anew.
const GROUP: usize = 32;

/// Scores that are compared side by side.
const LANES: usize = 16;

/// The nearest points of each of some queries `[Q, D]`, by distance, then by index.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbors {
    /// `[Q, k]`, indices of points; where the queries are the points themselves, each comes first in its row.
    pub indices: Array2<u32>,
    /// `[Q, k]`, Euclidean distances, ascending.
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
    search(points, points, k, Itself::First)
}

/// The `k` nearest of `references` `[N, D]` to each of `queries` `[Q, D]`; all `N` if there are fewer than `k`. Of equal
/// distances the lower index comes first. Exact, as [`nearest_neighbors`] is; the result has shape `[Q, k]`.
///
/// # Errors
/// The two `D` differ, or there are 2^32 references or more.
pub fn nearest_among(
    queries: ArrayView2<'_, f32>,
    references: ArrayView2<'_, f32>,
    k: usize,
) -> Result<Neighbors, ClusterError> {
    if queries.ncols() != references.ncols() {
        return Err(ClusterError::Dimensions {
            found: queries.ncols(),
            expected: references.ncols(),
        });
    }
    search(queries, references, k, Itself::Unknown)
}

/// Relation of queries and references.
#[derive(Clone, Copy, PartialEq)]
enum Itself {
    /// The references are the queries: that of the query's index comes first, before its duplicates.
    First,
    /// Queries and references are different points.
    Unknown,
}

fn search(
    queries: ArrayView2<'_, f32>,
    references: ArrayView2<'_, f32>,
    k: usize,
    itself: Itself,
) -> Result<Neighbors, ClusterError> {
    let (n_queries, n) = (queries.nrows(), references.nrows());
    u32::try_from(n).map_err(|_| ClusterError::TooManyPoints(n))?;
    let k = k.min(n);
    let search = Search::new(queries, references, k, itself);
    let blocks: Vec<Vec<(u32, f32)>> = (0..n_queries.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| search.of_block(block))
        .collect();
    let (indices, distances) = blocks.into_iter().flatten().unzip::<_, _, Vec<_>, Vec<_>>();
    let shaped = "each query has k neighbors";
    Ok(Neighbors {
        indices: Array2::from_shape_vec((n_queries, k), indices).expect(shaped),
        distances: Array2::from_shape_vec((n_queries, k), distances).expect(shaped),
    })
}

struct Search<'a> {
    queries: ArrayView2<'a, f32>,
    references: ArrayView2<'a, f32>,
    /// `[Q, D + 1]` and `[N, D + 1]`, whose products are scores: squared distances less the query's own squared norm,
    /// which all its scores share.
    left: Array2<f32>,
    right: Array2<f32>,
    /// The largest squared norm of a query or reference, both less the mean of the references.
    largest: f32,
    k: usize,
    itself: Itself,
}

impl<'a> Search<'a> {
    fn new(
        queries: ArrayView2<'a, f32>,
        references: ArrayView2<'a, f32>,
        k: usize,
        itself: Itself,
    ) -> Self {
        // Centering keeps the distances and shrinks the norms, and with them the error to allow for.
        let mean = references.mean_axis(Axis(0));
        let center = |points: ArrayView2<'_, f32>| match &mean {
            Some(mean) => &points - mean,
            None => points.to_owned(),
        };
        let (left, right) = (center(queries), center(references));
        let norms = squared_norms(&right);
        let largest = squared_norms(&left)
            .iter()
            .chain(&norms)
            .copied()
            .fold(0.0, f32::max);
        let ones = Array2::ones((left.nrows(), 1));
        Self {
            queries,
            references,
            left: concatenate![Axis(1), left, ones],
            right: concatenate![Axis(1), -2.0 * right, norms.insert_axis(Axis(1))],
            largest,
            k,
            itself,
        }
    }

    fn of_block(&self, block: usize) -> Vec<(u32, f32)> {
        // Without references there is nothing to select from.
        if self.k == 0 {
            return Vec::new();
        }
        let first = block * BLOCK;
        let last = (first + BLOCK).min(self.queries.nrows());
        let least = self.least_of_groups(first..last);
        (first..last)
            .zip(least.rows())
            .flat_map(|(i, least)| self.of_query(i, least))
            .collect()
    }

    /// The least score of each group of references, for each of some queries: `[queries, groups]`.
    fn least_of_groups(&self, queries: Range<usize>) -> Array2<f32> {
        let n = self.references.nrows();
        let left = self.left.slice(s![queries, ..]);
        let mut least = Array2::zeros((left.nrows(), n.div_ceil(GROUP)));
        let mut scores = Array2::zeros((left.nrows(), TILE));
        for first in (0..n).step_by(TILE) {
            let last = (first + TILE).min(n);
            let right = self.right.slice(s![first..last, ..]);
            let mut scores = scores.slice_mut(s![.., ..last - first]);
            general_mat_mul(1.0, &left, &right.t(), 0.0, &mut scores);
            let mut least = least.slice_mut(s![.., first / GROUP..last.div_ceil(GROUP)]);
            for (scores, mut least) in scores.rows().into_iter().zip(least.rows_mut()) {
                let scores = scores.to_slice().expect("a row in standard layout");
                for (least, scores) in least.iter_mut().zip(scores.chunks(GROUP)) {
                    *least = least_of(scores);
                }
            }
        }
        least
    }

    /// The neighbors of query `i`, given the least score of each group of references.
    fn of_query(&self, i: usize, least: ArrayView1<'_, f32>) -> Vec<(u32, f32)> {
        let bound = self.bound(least.to_vec());
        let groups = self.right.axis_chunks_iter(Axis(0), GROUP);
        let groups = (0_u32..).step_by(GROUP).zip(groups).zip(least);
        let scored: Vec<(u32, f32)> = groups
            .filter(|&(_, &least)| is_within(least, bound))
            .flat_map(|((first, group), _)| (first..).zip(group.dot(&self.left.row(i))))
            .collect();
        let bound = self.bound(scored.iter().map(|&(_, score)| score).collect());
        let mut ranked: Vec<(f64, bool, u32)> = scored
            .into_iter()
            .filter(|&(_, score)| is_within(score, bound))
            .map(|(j, _)| {
                let reference = self.references.row(j as usize);
                let squared = squared_distance(self.queries.row(i), reference);
                let is_itself = self.itself == Itself::First && j as usize == i;
                (squared, !is_itself, j)
            })
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        ranked
            .into_iter()
            .take(self.k)
            .map(|(squared, _, j)| (j, root(squared)))
            .collect()
    }

    /// No score above it belongs to one of the `k` nearest, given scores of at least `k` references if there are so many:
    /// the `k`-th least score and twice the rounding error.
    fn bound(&self, mut scores: Vec<f32>) -> f32 {
        // A score is at most three times the largest norm.
        if scores.len() < self.k || !(3.0 * self.largest).is_finite() {
            return f32::INFINITY;
        }
        let (_, &mut kth, _) = scores.select_nth_unstable_by(self.k - 1, f32::total_cmp);
        // The sum of `D + 1` products and the norm in it err by `(4 D + 3) ε` of the largest norm at most (Higham 2002,
        // section 3.1), and by as many of the least numbers.
        let largest = self.largest.max(f32::MIN_POSITIVE);
        let error = (4.0 * self.references.ncols() as f32 + 16.0) * f32::EPSILON * largest;
        kth + 2.0 * error
    }
}

/// True if a score isn't above a bound; also for scores that overflowed, within an infinite one.
fn is_within(score: f32, bound: f32) -> bool {
    score.partial_cmp(&bound) != Some(Ordering::Greater)
}

/// The least score of a group; infinity if none is a number.
fn least_of(scores: &[f32]) -> f32 {
    // Side by side, as the compiler may not change the order of comparisons.
    let mut least = [f32::INFINITY; LANES];
    for scores in scores.chunks(LANES) {
        for (least, &score) in least.iter_mut().zip(scores) {
            *least = if score < *least { score } else { *least };
        }
    }
    least.into_iter().fold(f32::INFINITY, f32::min)
}

fn squared_norms(points: &Array2<f32>) -> Array1<f32> {
    points.rows().into_iter().map(|row| row.dot(&row)).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "umap-rs takes distances in single precision"
)]
fn root(squared: f64) -> f32 {
    squared.sqrt() as f32
}
