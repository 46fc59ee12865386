//! Exact nearest neighbors.

use std::cmp::Ordering;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};
use rayon::prelude::*;

use crate::ClusterError;
use crate::points::squared_distance;

/// Queries whose products with all references are in memory at once.
const BLOCK: usize = 128;

/// Scores of which the least is sought together.
const GROUP: usize = 64;

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
    /// The same, less the mean of the references.
    centered_queries: Array2<f32>,
    centered_references: Array2<f32>,
    /// Squared norms of the centered references.
    norms: Vec<f32>,
    /// The largest squared norm of a centered point, query or reference.
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
        let (centered_queries, centered_references) = (center(queries), center(references));
        let norms = squared_norms(&centered_references);
        let all = squared_norms(&centered_queries)
            .into_iter()
            .chain(norms.iter().copied());
        Self {
            queries,
            references,
            largest: all.fold(0.0, f32::max),
            centered_queries,
            centered_references,
            norms,
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
        let products = self
            .centered_queries
            .slice(s![first..last, ..])
            .dot(&self.centered_references.t()); // [block, N]
        let products = products.as_standard_layout();
        (first..last)
            .zip(products.rows())
            .flat_map(|(i, row)| self.of_query(i, &self.scores(row)))
            .collect()
    }

    /// Squared distances less the query's own squared norm, which all share, given its products with all references.
    fn scores(&self, products: ArrayView1<'_, f32>) -> Vec<f32> {
        let products = products.to_slice().expect("a row in standard layout");
        let pairs = products.iter().zip(&self.norms);
        pairs.map(|(product, norm)| norm - 2.0 * product).collect()
    }

    /// The neighbors of query `i`, given its scores of all references.
    fn of_query(&self, i: usize, scores: &[f32]) -> Vec<(u32, f32)> {
        let scores = Scores::new(scores);
        let mut ranked: Vec<(f64, bool, u32)> = scores
            .within(self.threshold(&scores))
            .map(|(j, _)| {
                let squared =
                    squared_distance(self.queries.row(i), self.references.row(j as usize));
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

    /// No score above it belongs to one of the `k` nearest: the `k`-th least score and twice the rounding error.
    fn threshold(&self, scores: &Scores<'_>) -> f32 {
        // A score is at most three times the largest norm.
        if !(3.0 * self.largest).is_finite() {
            return f32::INFINITY;
        }
        let mut least = scores.least(self.k);
        let (_, &mut kth, _) = least.select_nth_unstable_by(self.k - 1, f32::total_cmp);
        // Each of the two sums of `D` products errs by `D ε` of the norms at most (Higham 2002, section 3.1).
        let error = (4.0 * self.references.ncols() as f32 + 16.0) * f32::EPSILON * self.largest;
        kth + 2.0 * error
    }
}

/// Scores of one query, and the least of each [`GROUP`] of them.
struct Scores<'a> {
    scores: &'a [f32],
    least: Vec<f32>,
}

impl<'a> Scores<'a> {
    fn new(scores: &'a [f32]) -> Self {
        Self {
            scores,
            least: scores.chunks(GROUP).map(least_of_group).collect(),
        }
    }

    /// The `k` least of finite scores and few others, or all.
    fn least(&self, k: usize) -> Vec<f32> {
        if self.least.len() < 2 * k {
            return self.scores.to_vec();
        }
        // So many groups have a score within the bound.
        let mut least = self.least.clone();
        let (_, &mut bound, _) = least.select_nth_unstable_by(k - 1, f32::total_cmp);
        self.within(bound).map(|(_, score)| score).collect()
    }

    /// Indices and scores that are not above the bound.
    fn within(&self, bound: f32) -> impl Iterator<Item = (u32, f32)> {
        // Written so that scores that overflowed are within an infinite bound.
        let is_within = move |score: f32| score.partial_cmp(&bound) != Some(Ordering::Greater);
        let groups = self.scores.chunks(GROUP).zip((0_u32..).step_by(GROUP));
        self.least
            .iter()
            .zip(groups)
            .filter(move |&(&least, _)| is_within(least))
            .flat_map(|(_, (group, first))| (first..).zip(group.iter().copied()))
            .filter(move |&(_, score)| is_within(score))
    }
}

/// The least score of a group; infinity if none is a number.
fn least_of_group(group: &[f32]) -> f32 {
    // Side by side, as the compiler may not change the order of comparisons.
    let mut least = [f32::INFINITY; LANES];
    for scores in group.chunks(LANES) {
        for (least, &score) in least.iter_mut().zip(scores) {
            *least = if score < *least { score } else { *least };
        }
    }
    least.into_iter().fold(f32::INFINITY, f32::min)
}

fn squared_norms(points: &Array2<f32>) -> Vec<f32> {
    points.rows().into_iter().map(|row| row.dot(&row)).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "umap-rs takes distances in single precision"
)]
fn root(squared: f64) -> f32 {
    squared.sqrt() as f32
}
