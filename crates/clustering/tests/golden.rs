//! Comparison with scipy, scikit-learn and umap-learn; `golden/make.py` documents how the values were made, and the
//! tolerances.

use std::collections::BTreeMap;

use clustering::{
    Curve, Dendrogram, KMeansParams, Silhouettes, Umap, UmapParams, best, kmeans_candidates,
    trustworthiness,
};
use ndarray::Array2;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    curve: Vec<CurveCase>,
    kmeans: Vec<KMeansCase>,
    ward: Ward,
    trustworthiness: BTreeMap<usize, Vec<f64>>,
    first_point: Vec<f32>,
}

#[derive(Deserialize)]
struct CurveCase {
    min_dist: f64,
    spread: f64,
    a: f64,
    b: f64,
}

#[derive(Deserialize)]
struct KMeansCase {
    k: usize,
    inertia: f64,
    silhouette: f64,
}

#[derive(Deserialize)]
struct Ward {
    last_heights: Vec<f64>,
    height_sum: f64,
    cuts: BTreeMap<usize, Vec<u32>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/golden.json"))
        .expect("the script writes what is read")
}

/// Knuth's 64-bit linear congruential generator, as in `make.py`.
struct Lcg(u64);

impl Lcg {
    fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / f64::from(1 << 24)
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "points have single precision"
)]
fn mixture(n: usize, d: usize, k: usize, width: f64) -> Array2<f32> {
    let mut lcg = Lcg(1);
    let centers: Vec<Vec<f64>> = (0..k)
        .map(|_| (0..d).map(|_| 6.0 * lcg.unit()).collect())
        .collect();
    Array2::from_shape_fn((n, d), |(i, j)| {
        (centers[i % k][j] + width * lcg.normal()) as f32
    })
}

fn points() -> Array2<f32> {
    mixture(420, 8, 6, 1.0)
}

fn relative(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / expected.abs()
}

/// Silhouettes of all points.
const ALL: Silhouettes = Silhouettes {
    sample: usize::MAX,
    seed: 0,
};

#[test]
fn the_formula_gives_the_points_of_the_goldens() {
    assert_eq!(points().row(0).to_vec(), golden().first_point);
}

#[test]
fn curves_are_those_of_umap_learn() {
    for case in golden().curve {
        let curve = Curve::fit(case.min_dist, case.spread).unwrap();
        let CurveCase {
            min_dist,
            spread,
            a,
            b,
        } = case;
        assert!(
            (curve.a - a).abs() < 1e-5 && (curve.b - b).abs() < 1e-5,
            "{min_dist} {spread}: {curve:?}, {a} {b}"
        );
    }
}

#[test]
fn kmeans_has_an_inertia_as_low_as_scikit_learn() {
    let params = KMeansParams {
        n_init: 50,
        seed: 1,
    };
    let numbers: Vec<usize> = (2..=9).collect();
    let candidates = kmeans_candidates(points().view(), &numbers, &params, ALL, || ()).unwrap();
    for (case, candidate) in golden().kmeans.iter().zip(&candidates) {
        assert_eq!(candidate.k, case.k);
        let excess = candidate.inertia.unwrap() / case.inertia - 1.0;
        let tolerance = if case.k <= 6 { 1e-6 } else { 0.01 };
        assert!(excess < tolerance, "k {}: inertia {excess} above", case.k);
        // The partition of so low an inertia is the same, unless it is better still.
        if excess.abs() < 1e-9 {
            let silhouette = candidate.silhouette.unwrap();
            assert!(
                (silhouette - case.silhouette).abs() < 1e-9,
                "k {}: {silhouette} {}",
                case.k,
                case.silhouette
            );
        }
    }
    assert_eq!(best(&candidates).unwrap().k, 5);
}

#[test]
fn ward_is_that_of_scipy() {
    let tree = Dendrogram::ward(points().view()).unwrap();
    let Ward {
        last_heights,
        height_sum,
        cuts,
    } = golden().ward;
    assert!(relative(tree.heights().iter().sum(), height_sum) < 1e-9);
    let last = &tree.heights()[tree.heights().len() - last_heights.len()..];
    assert!(
        last.iter()
            .zip(&last_heights)
            .all(|(&found, &expected)| relative(found, expected) < 1e-9),
        "{last:?}"
    );
    for (k, labels) in cuts {
        assert_eq!(tree.cut(k).unwrap(), labels);
    }
}

#[test]
fn embeddings_are_as_trustworthy_as_those_of_umap_learn() {
    let points = points();
    let umap = Umap::fit(points.view(), UmapParams::default()).unwrap();
    for (components, scores) in golden().trustworthiness {
        let expected = scores.iter().sum::<f64>() / scores.len() as f64;
        let embedding = umap.embed(components, 1).unwrap();
        let found = trustworthiness(points.view(), embedding.view(), 15)
            .unwrap()
            .unwrap();
        println!("{components} dimensions: {found:.4}, umap-learn {expected:.4}");
        assert!(
            found > expected - 0.01,
            "{components} dimensions: {found}, umap-learn {expected}"
        );
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let points = mixture(300, 5, 4, 1.0);
    let run = || {
        let umap = Umap::fit(
            points.view(),
            UmapParams {
                epochs: 50,
                ..UmapParams::default()
            },
        )
        .unwrap();
        let params = KMeansParams { n_init: 8, seed: 3 };
        (
            umap.embed(2, 9).unwrap(),
            kmeans_candidates(points.view(), &[2, 3, 4, 5], &params, ALL, || ()).unwrap(),
        )
    };
    let on = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(run)
    };
    assert_eq!(on(1), on(3));
}
