//! How many clusters: the number whose partition has the highest silhouette.

use std::ops::RangeInclusive;

use metrics::{Points, separation::silhouette};
use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::{ClusterError, Dendrogram, KMeansParams, count_distinct, kmeans};

/// A partition into `k` clusters, and how well it fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Number of clusters.
    pub k: usize,
    /// `[N]`, the cluster of each point, numbered by first appearance.
    pub labels: Vec<u32>,
    /// Mean silhouette, in `[-1, 1]`; none where it isn't defined: with one cluster, or a cluster for each point.
    pub silhouette: Option<f64>,
    /// Sum of squared distances to the centers, where the method minimizes it.
    pub inertia: Option<f64>,
}

/// The partitions of points `[N, D]` by k-means for each `k` that there are distinct points for.
///
/// `done` is called after each, in any order.
///
/// # Errors
/// As for [`kmeans`].
pub fn kmeans_candidates(
    points: ArrayView2<'_, f32>,
    range: RangeInclusive<usize>,
    params: &KMeansParams,
    done: impl Fn() + Sync,
) -> Result<Vec<Candidate>, ClusterError> {
    let judged = judged(points)?;
    feasible(points, range)
        .into_par_iter()
        .map(|k| {
            let fit = kmeans(points, k, params)?;
            let candidate = candidate(&judged, k, fit.labels, Some(fit.inertia));
            done();
            candidate
        })
        .collect()
}

/// The partitions of points `[N, D]` by Ward's criterion for each `k` that there are distinct points for.
///
/// # Errors
/// As for [`Dendrogram::ward`].
pub fn agglomerative_candidates(
    points: ArrayView2<'_, f32>,
    range: RangeInclusive<usize>,
) -> Result<Vec<Candidate>, ClusterError> {
    let tree = Dendrogram::ward(points)?;
    let judged = judged(points)?;
    feasible(points, range)
        .into_iter()
        .map(|k| candidate(&judged, k, tree.cut(k)?, None))
        .collect()
}

/// The candidate of the highest silhouette; of equals, the one with fewer clusters.
#[must_use]
pub fn best(candidates: &[Candidate]) -> Option<&Candidate> {
    let scored = candidates
        .iter()
        .filter_map(|candidate| Some((candidate.silhouette?, candidate)));
    let best = scored.max_by(|(a, x), (b, y)| a.total_cmp(b).then(y.k.cmp(&x.k)));
    best.map(|(_, candidate)| candidate)
}

fn feasible(points: ArrayView2<'_, f32>, range: RangeInclusive<usize>) -> Vec<usize> {
    let distinct = count_distinct(points);
    range.filter(|&k| (1..=distinct).contains(&k)).collect()
}

/// The points as `metrics` takes them.
fn judged(points: ArrayView2<'_, f32>) -> Result<Points, ClusterError> {
    let rows: Vec<Vec<f32>> = points.rows().into_iter().map(|row| row.to_vec()).collect();
    Ok(Points::of(rows.iter().map(Vec::as_slice))?)
}

fn candidate(
    points: &Points,
    k: usize,
    labels: Vec<u32>,
    inertia: Option<f64>,
) -> Result<Candidate, ClusterError> {
    let clusters: Vec<usize> = labels.iter().map(|&label| label as usize).collect();
    Ok(Candidate {
        k,
        silhouette: silhouette(points, &clusters)?,
        labels,
        inertia,
    })
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    const PARAMS: KMeansParams = KMeansParams {
        starts: 20,
        seed: 7,
    };

    #[test]
    fn three_pairs_are_three_clusters_by_either_method() {
        let points = array![[0.0], [0.1], [5.0], [5.1], [9.0], [9.1]];
        let by_kmeans = kmeans_candidates(points.view(), 2..=5, &PARAMS, || ()).unwrap();
        let by_ward = agglomerative_candidates(points.view(), 2..=5).unwrap();
        for candidates in [by_kmeans, by_ward] {
            assert_eq!(
                candidates.iter().map(|c| c.k).collect::<Vec<_>>(),
                [2, 3, 4, 5]
            );
            assert_eq!(best(&candidates).unwrap().labels, [0, 0, 1, 1, 2, 2]);
        }
    }

    #[test]
    fn more_clusters_than_distinct_points_are_no_candidates() {
        let equal = Array2::zeros((6, 2));
        assert!(
            kmeans_candidates(equal.view(), 2..=4, &PARAMS, || ())
                .unwrap()
                .is_empty()
        );
        let two = array![[0.0], [0.0], [1.0]];
        let candidates = agglomerative_candidates(two.view(), 2..=4).unwrap();
        assert_eq!(candidates.len(), 1);
        assert_eq!(best(&candidates).unwrap().labels, [0, 0, 1]);
        assert!(best(&[]).is_none());
    }
}
