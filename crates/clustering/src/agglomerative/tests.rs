use ndarray::{Array2, array};

use super::*;

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
fn few_and_equal_points_are_no_trouble() {
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
