use ndarray::{Array2, array};

use super::*;
use crate::random::Keyed;

#[test]
fn the_nearest_merge_first() {
    // 0 and 1 merge at distance 1, 4 and 6 at distance 2; Ward's last height is sqrt(2·2·2 / 4)·|0.5 - 5|.
    let tree = Dendrogram::ward(array![[0.0], [4.0], [1.0], [6.0]].view()).unwrap();
    let expected = [1.0, 2.0, 2.0_f64.sqrt() * 4.5];
    approx::assert_abs_diff_eq!(tree.heights(), &expected[..], epsilon = 1e-12);
    assert_eq!(tree.cut(4).unwrap(), [0, 1, 2, 3]);
    assert_eq!(tree.cut(3).unwrap(), [0, 1, 0, 2]);
    assert_eq!(tree.cut(2).unwrap(), [0, 1, 0, 1]);
    assert_eq!(tree.cut(1).unwrap(), [0, 0, 0, 0]);
}

#[test]
fn each_cut_splits_one_cluster_of_the_cut_before() {
    let points = Array2::from_shape_fn((40, 2), |(i, j)| ((i * i * 7 + 13 * j * i) % 101) as f32);
    let tree = Dendrogram::ward(points.view()).unwrap();
    for k in 1..40 {
        let (coarse, fine) = (tree.cut(k).unwrap(), tree.cut(k + 1).unwrap());
        let mut pairs: Vec<_> = fine.iter().zip(&coarse).collect();
        pairs.sort();
        pairs.dedup();
        // Each fine cluster lies in one coarse cluster.
        assert_eq!(pairs.len(), k + 1);
    }
}

#[test]
fn few_and_equal_points_are_valid() {
    let none = Dendrogram::ward(Array2::zeros((0, 3)).view()).unwrap();
    assert!(none.heights().is_empty() && none.cut(1).is_err());
    assert_eq!(
        Dendrogram::ward(array![[5.0]].view())
            .unwrap()
            .cut(1)
            .unwrap(),
        [0]
    );
    let equal = Dendrogram::ward(Array2::zeros((5, 3)).view()).unwrap();
    assert_eq!(equal.cut(1).unwrap(), [0; 5]);
    assert_eq!(
        equal.cut(6).unwrap_err().to_string(),
        "cannot make 6 clusters of 5 distinct points: expected 1 to 5"
    );
}

#[test]
fn heights_are_those_of_the_greedy_definition() {
    // Every merge is the pair of clusters whose sum of squares grows least, found by trying all pairs.
    // No two distances are the same.
    let points = Array2::from_shape_fn((60, 3), |(i, j)| {
        10.0 * Keyed::new(3, i as u64, j as u64).unit()
    });
    let mut clusters: Vec<(f64, Vec<f64>)> = points
        .rows()
        .into_iter()
        .map(|row| (1.0, row.iter().map(|&v| f64::from(v)).collect()))
        .collect();
    let mut expected = Vec::new();
    while clusters.len() > 1 {
        let (mut best, mut pair) = (f64::INFINITY, (0, 0));
        for a in 0..clusters.len() {
            for b in 0..a {
                let (n, m) = (clusters[a].0, clusters[b].0);
                let squared: f64 = (0..3)
                    .map(|d| (clusters[a].1[d] - clusters[b].1[d]).powi(2))
                    .sum();
                let growth = 2.0 * n * m / (n + m) * squared;
                if growth < best {
                    (best, pair) = (growth, (a, b));
                }
            }
        }
        expected.push(best.sqrt());
        let (n, gone) = clusters.remove(pair.0);
        let (m, kept) = &mut clusters[pair.1];
        for (kept, gone) in kept.iter_mut().zip(gone) {
            *kept = (*kept * *m + gone * n) / (n + *m);
        }
        *m += n;
    }
    let tree = Dendrogram::ward(points.view()).unwrap();
    approx::assert_abs_diff_eq!(tree.heights(), &expected[..], epsilon = 1e-9);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let points = Array2::from_shape_fn((3000, 2), |(i, j)| ((i * 7919 + j * 31) % 1009) as f32);
    let with = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
        pool.unwrap()
            .install(|| Dendrogram::ward(points.view()).unwrap().cut(9).unwrap())
    };
    assert_eq!(with(1), with(3));
}
