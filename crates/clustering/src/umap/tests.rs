use ndarray::{Array2, array};

use super::*;

fn fit(points: &Array2<f32>, n_neighbors: usize) -> Umap {
    Umap::fit(
        points.view(),
        UmapParams {
            n_neighbors,
            epochs: 100,
            ..UmapParams::default()
        },
    )
    .unwrap()
}

#[test]
fn neighbors_are_those_of_a_plain_search() {
    // More points than are sorted as a whole.
    const N: u32 = 1_500;
    let points = Array2::from_shape_fn((N as usize, 3), |(i, j)| {
        1000.0 + ((i * i * 7 + 13 * j * i + j) % 61) as f32 * 0.01
    });
    let neighbors = nearest_neighbors(points.view(), 9).unwrap();
    for i in 0..N as usize {
        let mut plain: Vec<(f64, bool, u32)> = (0..N)
            .map(|j| {
                let row = points.row(j as usize);
                let squared = points
                    .row(i)
                    .iter()
                    .zip(row)
                    .map(|(a, b)| f64::from(a - b).powi(2))
                    .sum();
                (squared, j as usize != i, j)
            })
            .collect();
        plain.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let expected: Vec<u32> = plain.iter().take(9).map(|&(_, _, j)| j).collect();
        assert_eq!(neighbors.indices.row(i).to_vec(), expected, "point {i}");
        approx::assert_relative_eq!(
            f64::from(neighbors.distances[(i, 8)]),
            plain[8].0.sqrt(),
            max_relative = 1e-6
        );
    }
}

#[test]
fn a_point_is_its_own_first_neighbor_among_duplicates() {
    let neighbors = nearest_neighbors(array![[1.0], [1.0], [3.0], [1.0]].view(), 3).unwrap();
    assert_eq!(
        neighbors.indices,
        array![[0, 1, 3], [1, 0, 3], [2, 0, 1], [3, 0, 1]]
    );
    assert_eq!(neighbors.distances.row(2).to_vec(), [0.0, 2.0, 2.0]);
    assert_eq!(
        nearest_neighbors(array![[1.0], [2.0]].view(), 5)
            .unwrap()
            .indices,
        array![[0, 1], [1, 0]]
    );
    assert_eq!(
        nearest_neighbors(Array2::zeros((0, 2)).view(), 5)
            .unwrap()
            .indices
            .dim(),
        (0, 0)
    );
    // Products of such numbers, the least that single precision has, are rounded to whole numbers of them.
    let unit = 2.0_f32.powi(-75);
    let near = array![[3.0], [5.0], [1.01], [-9.01]] * unit;
    let near = nearest_neighbors(near.view(), 2).unwrap();
    assert_eq!(near.indices.row(0).to_vec(), [0, 2]);
    // Squares of such numbers overflow single precision.
    let far = nearest_neighbors(array![[-3e37], [3e37], [2e37]].view(), 2).unwrap();
    assert_eq!(far.indices, array![[0, 2], [1, 2], [2, 1]]);
}

#[test]
fn separate_groups_stay_separate() {
    let points = Array2::from_shape_fn((90, 4), |(i, j)| {
        (i % 3 * 100) as f32 + ((i * i * 7 + 13 * j * i) % 11) as f32
    });
    let embedding = fit(&points, 10).embed(2, 1).unwrap();
    let distance = |i: usize, j: usize| {
        let difference = embedding.row(i).to_owned() - embedding.row(j);
        difference.dot(&difference)
    };
    let nearest = |i: usize| {
        (0..90)
            .filter(|&j| j != i)
            .min_by(|&a, &b| distance(i, a).total_cmp(&distance(i, b)))
    };
    assert!((0..90).all(|i| nearest(i).unwrap() % 3 == i % 3));
}

#[test]
fn the_same_seed_gives_the_same_embedding_and_another_a_different_one() {
    let points = Array2::from_shape_fn((50, 3), |(i, j)| ((i * i * 7 + 13 * j * i) % 37) as f32);
    let umap = fit(&points, 8);
    assert_eq!(umap.embed(2, 1).unwrap(), umap.embed(2, 1).unwrap());
    assert_ne!(umap.embed(2, 1).unwrap(), umap.embed(2, 2).unwrap());
}

#[test]
fn the_number_of_threads_does_not_change_the_embedding() {
    let points = Array2::from_shape_fn((500, 3), |(i, j)| ((i * i * 7 + 13 * j * i) % 37) as f32);
    let umap = fit(&points, 8);
    let with = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
        pool.unwrap().install(|| umap.embed(2, 1).unwrap())
    };
    assert_eq!(with(1), with(2));
    assert_eq!(with(1), with(5));
}

#[test]
fn any_number_of_points_has_an_embedding() {
    for n in 0..20 {
        let points = Array2::from_shape_fn((n, 2), |(i, j)| (i * (j + 1)) as f32);
        let embedding = fit(&points, 15).embed(3, 1).unwrap();
        assert_eq!(embedding.dim(), (n, 3));
        assert!(
            embedding.iter().all(|v| v.is_finite()),
            "{n} points: {embedding}"
        );
    }
}

#[test]
fn equal_points_and_points_without_coordinates_have_an_embedding() {
    for points in [
        Array2::zeros((30, 4)),
        Array2::zeros((30, 0)),
        Array2::from_elem((2, 1), 5.0),
    ] {
        let embedding = fit(&points, 5).embed(2, 1).unwrap();
        assert!(embedding.iter().all(|v| v.is_finite()));
    }
}

fn fitted(points: &Array2<f32>, layout: &Array2<f32>) -> FittedUmap {
    FittedUmap::new(points.view(), layout.view(), UmapParams::default(), 1).unwrap()
}

#[test]
fn neighbors_among_others_are_those_of_a_plain_search() {
    let of = |n: usize, shift: f32| {
        Array2::from_shape_fn((n, 3), |(i, j)| {
            shift + ((i * i * 7 + 13 * j * i + j) % 61) as f32 * 0.01
        })
    };
    let (queries, references) = (of(150, 5.0), of(200, 4.9));
    let neighbors = nearest_among(queries.view(), references.view(), 7).unwrap();
    for i in 0..150 {
        let squared = |j: u32| {
            let pairs = queries.row(i).into_iter().zip(references.row(j as usize));
            pairs
                .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
                .sum::<f64>()
        };
        let mut plain: Vec<u32> = (0..200).collect();
        plain.sort_by(|&a, &b| squared(a).total_cmp(&squared(b)).then(a.cmp(&b)));
        assert_eq!(neighbors.indices.row(i).to_vec(), plain[..7], "query {i}");
    }
    let none = nearest_among(queries.view(), Array2::zeros((0, 3)).view(), 7).unwrap();
    assert_eq!(none.indices.dim(), (150, 0));
}

#[test]
fn new_points_join_the_group_that_they_are_of() {
    let of = |n: usize, shift: usize| {
        Array2::from_shape_fn((n, 4), |(i, j)| {
            (i % 3 * 100) as f32 + (((i + shift) * i * 7 + 13 * j * i) % 11) as f32
        })
    };
    let (old, new) = (of(90, 0), of(30, 5));
    let layout = fit(&old, 10).embed(2, 1).unwrap();
    let coordinates = fitted(&old, &layout).transform(new.view()).unwrap();
    let nearest = nearest_among(coordinates.view(), layout.view(), 1).unwrap();
    assert!((0..30).all(|i| nearest.indices[(i, 0)] as usize % 3 == i % 3));
}

#[test]
fn any_number_of_fitted_points_takes_new_ones() {
    for n in 1..6 {
        let points = Array2::from_shape_fn((n, 2), |(i, j)| (i * (j + 1)) as f32);
        let embedding = fitted(&points, &fit(&points, 15).embed(3, 1).unwrap());
        for new in [
            points.clone(),
            Array2::from_elem((4, 2), 1e30),
            Array2::zeros((0, 2)),
        ] {
            let coordinates = embedding.transform(new.view()).unwrap();
            assert_eq!(coordinates.dim(), (new.nrows(), 3));
            assert!(
                coordinates.iter().all(|v| v.is_finite()),
                "{n} points: {coordinates}"
            );
        }
    }
}

#[test]
fn coordinates_far_apart_give_finite_ones() {
    let points = array![[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
    let layout = array![[0.0, 0.0], [1e20, 0.0], [0.0, 1e20]];
    let coordinates = fitted(&points, &layout).transform(points.view()).unwrap();
    assert!(coordinates.iter().all(|v| v.is_finite()), "{coordinates}");
}

#[test]
fn mismatched_points_and_coordinates_are_refused() {
    let points = array![[1.0, 2.0], [3.0, 4.0]];
    let new = |layout: &Array2<f32>| {
        FittedUmap::new(points.view(), layout.view(), UmapParams::default(), 1)
    };
    assert_eq!(
        new(&array![[0.0]]).unwrap_err().to_string(),
        "found 1 rows of coordinates for 2 points: expected one a point and at least one point"
    );
    assert_eq!(
        new(&Array2::zeros((2, 0))).unwrap_err().to_string(),
        "`n_components` is 0, expected at least 1"
    );
    let embedding = new(&array![[0.0], [1.0]]).unwrap();
    assert_eq!(
        embedding
            .transform(array![[1.0]].view())
            .unwrap_err()
            .to_string(),
        "the new points have 1 dimensions, expected 2 as the fitted points have"
    );
    assert!(embedding.transform(array![[f32::NAN, 0.0]].view()).is_err());
}

#[test]
fn parameters_have_ranges() {
    let points = array![[1.0], [2.0]];
    let message = |params| Umap::fit(points.view(), params).unwrap_err().to_string();
    let default = UmapParams::default();
    assert_eq!(
        message(UmapParams {
            n_neighbors: 1,
            ..default
        }),
        "`n_neighbors` is 1, expected at least 2"
    );
    assert_eq!(
        message(UmapParams {
            min_dist: 2.0,
            ..default
        }),
        "`min_dist` is 2, expected 0 to `spread`"
    );
    assert_eq!(
        message(UmapParams {
            spread: 0.0,
            ..default
        }),
        "`spread` is 0, expected above 0"
    );
    assert!(fit(&points, 2).embed(0, 1).is_err());
}
