use ndarray::{Array2, array};

use super::*;

const PARAMS: KMeansParams = KMeansParams {
    n_init: 20,
    seed: 7,
};

#[test]
fn two_pairs_make_two_clusters() {
    let points = array![[0.0, 0.0], [10.0, 0.0], [0.0, 2.0], [10.0, 2.0]];
    let fit = kmeans(points.view(), 2, &PARAMS).unwrap();
    assert_eq!(fit.labels, [0, 1, 0, 1]);
    assert_eq!(fit.centers, array![[0.0, 1.0], [10.0, 1.0]]);
    approx::assert_abs_diff_eq!(fit.inertia, 4.0, epsilon = 1e-12);
}

#[test]
fn one_cluster_is_the_mean_and_each_point_its_own_has_no_inertia() {
    let points = array![[1.0], [2.0], [6.0]];
    let one = kmeans(points.view(), 1, &PARAMS).unwrap();
    assert_eq!(one.centers, array![[3.0]]);
    approx::assert_abs_diff_eq!(one.inertia, 14.0, epsilon = 1e-12);
    let each = kmeans(points.view(), 3, &PARAMS).unwrap();
    assert_eq!(each.labels, [0, 1, 2]);
    approx::assert_abs_diff_eq!(each.inertia, 0.0, epsilon = 1e-12);
}

#[test]
fn scaling_the_points_scales_the_inertia_alone() {
    let points = Array2::from_shape_fn((60, 3), |(i, j)| ((i * 7 + j * 13) % 23) as f32);
    let fit = kmeans(points.view(), 4, &PARAMS).unwrap();
    let scaled = kmeans((&points * 4.0).view(), 4, &PARAMS).unwrap();
    assert_eq!(fit.labels, scaled.labels);
    approx::assert_relative_eq!(scaled.inertia, 16.0 * fit.inertia, max_relative = 1e-12);
}

#[test]
fn more_restarts_never_raise_the_inertia() {
    let points = Array2::from_shape_fn((90, 2), |(i, j)| ((i * i + 31 * j * i) % 47) as f32);
    let inertia = |n_init| {
        kmeans(points.view(), 7, &KMeansParams { n_init, seed: 1 })
            .unwrap()
            .inertia
    };
    assert!(inertia(30) <= inertia(5) && inertia(5) <= inertia(1));
}

#[test]
fn duplicates_bound_the_number_of_clusters() {
    let points = array![[1.0, 1.0], [1.0, 1.0], [2.0, 2.0], [2.0, 2.0]];
    assert_eq!(
        kmeans(points.view(), 2, &PARAMS).unwrap().labels,
        [0, 0, 1, 1]
    );
    let error = kmeans(points.view(), 3, &PARAMS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot make 3 clusters of 2 distinct points: expected 1 to 2"
    );
    assert!(kmeans(points.view(), 0, &PARAMS).is_err());
    assert!(kmeans(Array2::zeros((0, 2)).view(), 1, &PARAMS).is_err());
}

#[test]
fn restarts_must_be_positive_and_points_finite() {
    let none = KMeansParams { n_init: 0, seed: 1 };
    assert_eq!(
        kmeans(array![[1.0]].view(), 1, &none)
            .unwrap_err()
            .to_string(),
        "`n_init` is 0, expected at least 1"
    );
    let error = kmeans(array![[1.0], [f32::INFINITY]].view(), 1, &PARAMS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "point 1 has a coordinate that is not finite"
    );
}
