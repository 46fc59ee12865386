//! Selection of the number of clusters by the highest silhouette.

use cluster_validity::silhouettes;
use ndarray::ArrayView2;
use numeric::Matrix;
use rayon::prelude::*;

use crate::{ClusterError, Dendrogram, KMeansParams, Sample, count_distinct, kmeans};

/// Parameters of the silhouettes of partitions.
#[derive(Clone, Copy, Debug)]
pub struct Silhouettes {
    /// Points that a silhouette is computed of, at most, drawn by `seed`: its time grows with their square.
    pub sample: usize,
    /// Seeds the draw.
    pub seed: u64,
}

/// A partition into `k` clusters with its scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Number of clusters.
    pub k: usize,
    /// `[N]`, the cluster of each point, numbered by first appearance.
    pub labels: Vec<u32>,
    /// Mean silhouette, in `[-1, 1]`; none where it isn't defined: with one cluster, or a cluster for each point (of the
    /// sample, where silhouettes are those of a sample).
    pub silhouette: Option<f64>,
    /// Sum of squared distances to the centers, where the method minimizes it.
    pub inertia: Option<f64>,
}

/// The partitions of points `[N, D]` by k-means for each `k` of `numbers` that there are distinct points for.
///
/// `done` is called after each, in any order.
///
/// # Errors
/// As for [`kmeans`].
pub fn kmeans_candidates(
    points: ArrayView2<'_, f32>,
    numbers: &[usize],
    params: &KMeansParams,
    silhouettes: Silhouettes,
    done: impl Fn() + Sync,
) -> Result<Vec<Candidate>, ClusterError> {
    let partitions = feasible(points, numbers).into_par_iter().map(|k| {
        let fit = kmeans(points, k, params)?;
        done();
        Ok(Partition {
            k,
            labels: fit.labels,
            inertia: Some(fit.inertia),
        })
    });
    let partitions: Result<_, ClusterError> = partitions.collect();
    scored(partitions?, points, silhouettes)
}

/// The partitions of points `[N, D]` by Ward's criterion for each `k` of `numbers` that there are distinct points for.
///
/// # Errors
/// As for [`Dendrogram::ward`].
pub fn agglomerative_candidates(
    points: ArrayView2<'_, f32>,
    numbers: &[usize],
    silhouettes: Silhouettes,
) -> Result<Vec<Candidate>, ClusterError> {
    let tree = Dendrogram::ward(points)?;
    let partitions = feasible(points, numbers).into_iter().map(|k| {
        Ok(Partition {
            k,
            labels: tree.cut(k)?,
            inertia: None,
        })
    });
    let partitions: Result<_, ClusterError> = partitions.collect();
    scored(partitions?, points, silhouettes)
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

fn feasible(points: ArrayView2<'_, f32>, numbers: &[usize]) -> Vec<usize> {
    let distinct = count_distinct(points);
    let feasible = numbers.iter().filter(|&k| (1..=distinct).contains(k));
    feasible.copied().collect()
}

/// A candidate without its silhouette.
struct Partition {
    k: usize,
    labels: Vec<u32>,
    inertia: Option<f64>,
}

/// Candidates of partitions of points `[N, D]`.
fn scored(
    partitions: Vec<Partition>,
    points: ArrayView2<'_, f32>,
    of: Silhouettes,
) -> Result<Vec<Candidate>, ClusterError> {
    let sample = Sample::draw(points.nrows(), of.sample, of.seed);
    let drawn = sample.rows().iter().map(|&row| points.row(row).to_vec());
    let drawn = Matrix::from_rows(&drawn.collect::<Vec<Vec<f32>>>())?;
    let clusters = |partition: &Partition| -> Vec<usize> {
        let rows = sample.rows().iter();
        rows.map(|&row| partition.labels[row] as usize).collect()
    };
    let clusters: Vec<Vec<usize>> = partitions.iter().map(clusters).collect();
    let clusters: Vec<&[usize]> = clusters.iter().map(Vec::as_slice).collect();
    let silhouettes = silhouettes(&drawn, &clusters)?;
    Ok({ partitions.into_iter().zip(silhouettes) }
        .map(|(partition, silhouette)| Candidate {
            k: partition.k,
            labels: partition.labels,
            silhouette,
            inertia: partition.inertia,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    const PARAMS: KMeansParams = KMeansParams {
        n_init: 20,
        seed: 7,
    };

    const ALL: Silhouettes = Silhouettes {
        sample: usize::MAX,
        seed: 7,
    };

    #[test]
    fn three_pairs_are_three_clusters_by_either_method() {
        let points = array![[0.0], [0.1], [5.0], [5.1], [9.0], [9.1]];
        let by_kmeans =
            kmeans_candidates(points.view(), &[2, 3, 4, 5], &PARAMS, ALL, || ()).unwrap();
        let by_ward = agglomerative_candidates(points.view(), &[2, 3, 4, 5], ALL).unwrap();
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
            kmeans_candidates(equal.view(), &[2, 3, 4], &PARAMS, ALL, || ())
                .unwrap()
                .is_empty()
        );
        let two = array![[0.0], [0.0], [1.0]];
        let candidates = agglomerative_candidates(two.view(), &[2, 3, 4], ALL).unwrap();
        assert_eq!(candidates.len(), 1);
        assert_eq!(best(&candidates).unwrap().labels, [0, 0, 1]);
        assert!(best(&[]).is_none());
    }

    #[test]
    fn a_silhouette_of_a_sample_is_that_of_the_points_drawn() {
        let points = Array2::from_shape_fn((200, 1), |(i, _)| (i % 2 * 100 + i % 13) as f32);
        let drawn = Silhouettes {
            sample: 50,
            seed: 7,
        };
        let sampled = agglomerative_candidates(points.view(), &[2], drawn).unwrap();
        let all = agglomerative_candidates(points.view(), &[2], ALL).unwrap();
        assert_eq!(sampled[0].labels, all[0].labels);
        let rows = Sample::draw(200, 50, 7);
        let labels: Vec<usize> = { rows.rows().iter() }
            .map(|&row| all[0].labels[row] as usize)
            .collect();
        let points = rows.of(points.view());
        let points: Vec<Vec<f32>> = points.rows().into_iter().map(|row| row.to_vec()).collect();
        let points = Matrix::from_rows(&points);
        let expected = cluster_validity::silhouette(&points.unwrap(), &labels).unwrap();
        assert_eq!(sampled[0].silhouette, expected);
        assert_ne!(sampled[0].silhouette, all[0].silhouette);
    }
}
