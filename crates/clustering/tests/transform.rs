//! UMAP's transform and trustworthiness against umap-learn and scikit-learn; `golden/transform.py` documents how the
//! values were made, and the tolerances.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use clustering::{FittedUmap, Umap, UmapParams, memberships, trustworthiness};
use ndarray::{Array2, ArrayView2, Axis, s};
use serde::Deserialize;

/// Digits that UMAP is fitted to; the others are transformed.
const FITTED: usize = 400;
const NEIGHBORS: usize = 15;

#[derive(Deserialize)]
struct Golden {
    given: Vec<Given>,
    memberships: Vec<Memberships>,
    embeddings: Vec<Embeddings>,
}

#[derive(Deserialize)]
struct Given {
    k: usize,
    value: f64,
}

#[derive(Deserialize)]
struct Memberships {
    distances: Vec<f32>,
    strengths: Vec<f32>,
}

#[derive(Deserialize)]
struct Embeddings {
    components: usize,
    fit: Vec<f64>,
    transform: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/transform.json")).unwrap()
}

fn digits() -> Array2<f32> {
    let text = include_str!("golden/digits.txt");
    let pixels = text.bytes().filter(|&b| b != b'\n');
    let values: Vec<f32> = pixels.map(|b| f32::from(b - b'a')).collect();
    Array2::from_shape_vec((values.len() / 64, 64), values).unwrap()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "points have single precision"
)]
fn spiral(n: usize) -> Array2<f32> {
    Array2::from_shape_fn((n, 3), |(i, j)| {
        let i = i as f64;
        let point = [
            (0.37 * i).sin() * (1.0 + 0.01 * i),
            (0.53 * i).cos() + 0.003 * i,
            0.05 * i,
        ];
        point[j] as f32
    })
}

/// Coordinates of the first digits, which UMAP is fitted to, and of the others, transformed.
fn embeddings(components: usize, seed: u64) -> (Array2<f32>, Array2<f32>) {
    let digits = digits();
    let (fitted, new) = digits.view().split_at(Axis(0), FITTED);
    let params = UmapParams::default();
    let layout = Umap::fit(fitted, params)
        .unwrap()
        .embed(components, seed)
        .unwrap();
    let umap = FittedUmap::new(fitted, layout.view(), params, seed).unwrap();
    let coordinates = umap.transform(new).unwrap();
    (layout, coordinates)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn trustworthiness_is_that_of_scikit_learn() {
    let points = spiral(150);
    for Given { k, value } in golden().given {
        let found = trustworthiness(points.view(), points.slice(s![.., ..2]), k)
            .unwrap()
            .unwrap();
        assert!((found - value).abs() < 1e-12, "{k}: {found}, {value}");
    }
}

#[test]
fn memberships_are_those_of_umap_learn() {
    for Memberships {
        distances,
        strengths,
    } in golden().memberships
    {
        let found = memberships(&distances);
        let pairs = found.iter().zip(&strengths);
        assert!(
            pairs.clone().all(|(a, b)| (a - b).abs() < 1e-4),
            "{found:?}\n{strengths:?}"
        );
    }
}

#[test]
fn fits_and_transforms_are_as_trustworthy_as_those_of_umap_learn() {
    let digits = digits();
    let (fitted, new) = digits.view().split_at(Axis(0), FITTED);
    let trust = |points: ArrayView2<'_, f32>, embedding: &Array2<f32>| {
        trustworthiness(points, embedding.view(), NEIGHBORS)
            .unwrap()
            .unwrap()
    };
    for expected in golden().embeddings {
        let (layout, coordinates) = embeddings(expected.components, 1);
        for (step, found, expected) in [
            ("fit", trust(fitted, &layout), mean(&expected.fit)),
            (
                "transform",
                trust(new, &coordinates),
                mean(&expected.transform),
            ),
        ] {
            println!("{step}: {found:.4}, umap-learn {expected:.4}");
            assert!(
                found > expected - 0.01,
                "{step}: {found}, umap-learn {expected}"
            );
        }
    }
}

#[test]
fn coordinates_depend_neither_on_other_points_nor_on_threads() {
    let digits = digits();
    let (fitted, new) = digits.view().split_at(Axis(0), FITTED);
    let new = new.slice(s![..20, ..]);
    let params = UmapParams {
        epochs: 60,
        ..UmapParams::default()
    };
    let layout = Umap::fit(fitted, params).unwrap().embed(2, 1).unwrap();
    let umap = FittedUmap::new(fitted, layout.view(), params, 1).unwrap();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| umap.transform(new).unwrap())
    };
    let together = on(1);
    assert_eq!(together, on(3));
    for i in 0..new.nrows() {
        let alone = umap.transform(new.slice(s![i..=i, ..])).unwrap();
        assert_eq!(alone.row(0), together.row(i));
    }
}
