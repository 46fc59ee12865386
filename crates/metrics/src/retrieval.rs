//! Retrieval: how many of a point's nearest neighbors share its label.
//!
//! Scores are those of Musgrave, Belongie and Lim ("A Metric Learning Reality Check", 2020, §3.2), with the conventions
//! of pytorch-metric-learning's `AccuracyCalculator` (2.9). Letters of shapes besides the crate's: `Q` queries, `R`
//! references. Distances are exact, computed in 64 bits; of references equally far, the earlier stands first.

use std::collections::BTreeMap;

use numeric::Matrix;
use rayon::prelude::*;

use crate::MetricError;

/// Retrieval metrics over the queries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retrieval {
    /// Share of queries whose nearest reference has their label, in `[0, 1]`. Also known as precision at 1.
    pub recall_at_1: f64,
    /// Mean average precision at R, in `[0, 1]`: for a query with `r` references of its label, the sum over `i = 1 … r`
    /// of the precision among the `i` nearest, taken where the `i`-th has the label, over `r`; the mean over the queries.
    pub map_at_r: f64,
    /// Number of queries that count: those with a reference of their label.
    pub n_queries: usize,
}

/// Distance of two points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// Length of the straight line.
    Euclidean,
    /// One less the cosine. A point at the origin has no direction; it is at distance 1 from all.
    Cosine,
}

/// Points with a label each.
#[derive(Clone, Copy, Debug)]
pub struct Labeled<'a> {
    points: &'a Matrix,
    labels: &'a [usize],
}

impl<'a> Labeled<'a> {
    /// Joins `points` `[N, D]` to `labels` `[N]`.
    ///
    /// # Errors
    /// `labels` is not as long as `points`.
    pub fn new(points: &'a Matrix, labels: &'a [usize]) -> Result<Self, MetricError> {
        if labels.len() != points.n_rows() {
            return Err(MetricError::Length {
                list: "labels",
                found: labels.len(),
                expected: points.n_rows(),
            });
        }
        Ok(Self { points, labels })
    }
}

/// Retrieval where every point is a query and all others are its references. `None` where no two points share a label.
///
/// # Errors
/// `labels` is not as long as `points`.
pub fn retrieval(
    points: &Matrix,
    labels: &[usize],
    distance: Distance,
) -> Result<Option<Retrieval>, MetricError> {
    let set = Labeled::new(points, labels)?;
    Ok(References::of(set, distance, Relation::Same).retrieve(set))
}

/// Retrieval of queries in a separate set of references. `None` where no query's label is among the references.
///
/// # Errors
/// The two sets differ in `D`.
pub fn retrieval_from(
    queries: Labeled<'_>,
    references: Labeled<'_>,
    distance: Distance,
) -> Result<Option<Retrieval>, MetricError> {
    let [found, expected] = [queries, references].map(|set| set.points.n_columns());
    if found != expected && queries.points.n_rows() > 0 && references.points.n_rows() > 0 {
        return Err(MetricError::SetDimensions { found, expected });
    }
    Ok(References::of(references, distance, Relation::Disjoint).retrieve(queries))
}

/// References whose distances are computed side by side: with 128 dimensions they fit a core's cache.
const BLOCK: usize = 512;
/// Queries compared with a block of references while it is in the cache.
const QUERIES: usize = 16;

/// Relation of queries and references.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// The queries are the references: a query is not its own reference.
    Same,
    Disjoint,
}

struct References<'a> {
    labels: &'a [usize],
    /// By label.
    sizes: BTreeMap<usize, usize>,
    /// `[D, R]`.
    columns: Vec<Vec<f64>>,
    distance: Distance,
    relation: Relation,
}

impl<'a> References<'a> {
    fn of(set: Labeled<'a>, distance: Distance, relation: Relation) -> Self {
        let mut sizes = BTreeMap::new();
        for &label in set.labels {
            *sizes.entry(label).or_insert(0) += 1;
        }
        let rows: Vec<Vec<f64>> = (0..set.points.n_rows())
            .map(|point| comparable(set.points, point, distance))
            .collect();
        let column = |d: usize| rows.iter().map(|row| row[d]).collect();
        Self {
            labels: set.labels,
            sizes,
            columns: (0..set.points.n_columns()).map(column).collect(),
            distance,
            relation,
        }
    }

    fn retrieve(&self, queries: Labeled<'_>) -> Option<Retrieval> {
        let numbers: Vec<usize> = (0..queries.labels.len()).collect();
        let found: Vec<(bool, f64)> = numbers
            .par_chunks(QUERIES)
            .flat_map_iter(|chunk| self.precisions(queries, chunk))
            .collect();
        let n = found.len() as f64;
        (!found.is_empty()).then(|| Retrieval {
            recall_at_1: found.iter().filter(|(first, _)| *first).count() as f64 / n,
            map_at_r: found.iter().map(|(_, precision)| precision).sum::<f64>() / n,
            n_queries: found.len(),
        })
    }

    /// For each query with references of its label: whether the nearest has it, and the average precision.
    fn precisions(&self, queries: Labeled<'_>, chunk: &[usize]) -> Vec<(bool, f64)> {
        let rows = chunk
            .iter()
            .map(|&query| comparable(queries.points, query, self.distance));
        let distances = self.distances(&rows.collect::<Vec<_>>());
        let precision = |(&query, distances): (&usize, &Vec<f64>)| {
            let label = queries.labels[query];
            let own = self.sizes.get(&label).copied().unwrap_or(0);
            let itself = (self.relation == Relation::Same).then_some(query);
            let relevant = own - usize::from(itself.is_some());
            let nearest = nearest(distances, relevant, itself)?;
            Some(self.precision(&nearest, label))
        };
        chunk.iter().zip(&distances).filter_map(precision).collect()
    }

    /// Numbers that order the references by their distance from each of `rows`: `[rows, R]`.
    fn distances(&self, rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let n = self.labels.len();
        let mut distances = vec![vec![0.0; n]; rows.len()];
        for start in (0..n).step_by(BLOCK) {
            let block = start..n.min(start + BLOCK);
            for (row, distances) in rows.iter().zip(&mut distances) {
                let distances = &mut distances[block.clone()];
                for (column, &value) in self.columns.iter().zip(row) {
                    let others = distances.iter_mut().zip(&column[block.clone()]);
                    match self.distance {
                        Distance::Euclidean => others.for_each(|(d, o)| *d += (o - value).powi(2)),
                        Distance::Cosine => others.for_each(|(d, o)| *d -= o * value),
                    }
                }
            }
        }
        distances
    }

    /// Returns whether the first of `nearest` has the label, and their average precision.
    fn precision(&self, nearest: &[usize], label: usize) -> (bool, f64) {
        let (mut hits, mut sum) = (0_u32, 0.0);
        for (before, &reference) in nearest.iter().enumerate() {
            if self.labels[reference] == label {
                hits += 1;
                sum += f64::from(hits) / (before + 1) as f64;
            }
        }
        let first = self.labels[nearest[0]] == label;
        (first, sum / nearest.len() as f64)
    }
}

/// Coordinates `[D]` by which points are compared: for angles, those of the unit vector.
fn comparable(points: &Matrix, point: usize, distance: Distance) -> Vec<f64> {
    let mut row: Vec<f64> = points.row(point).iter().map(|&v| f64::from(v)).collect();
    if distance == Distance::Cosine {
        let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        if norm > 0.0 {
            row.iter_mut().for_each(|v| *v /= norm);
        }
    }
    row
}

/// The `k` nearest references but `itself`, nearest first; `None` for none.
fn nearest(distances: &[f64], k: usize, itself: Option<usize>) -> Option<Vec<usize>> {
    let last = k.checked_sub(1)?;
    let mut order: Vec<usize> = (0..distances.len()).collect();
    if let Some(itself) = itself {
        order.remove(itself);
    }
    let nearer = |a: &usize, b: &usize| distances[*a].total_cmp(&distances[*b]).then(a.cmp(b));
    order.select_nth_unstable_by(last, nearer);
    order.truncate(k);
    order.sort_unstable_by(nearer);
    Some(order)
}

#[cfg(test)]
mod tests;
