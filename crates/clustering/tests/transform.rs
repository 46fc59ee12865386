//! UMAP's transform and trustworthiness against umap-learn and scikit-learn; `golden/transform.py` says how the figures
//! were made, and the tolerances.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use clustering::{FittedMap, MapParams, Umap, memberships, trustworthiness};
use ndarray::{Array2, ArrayView2, Axis, s};
use serde::Deserialize;

/// Digits that are fitted; the others are placed on their map.
const FITTED: usize = 400;
const NEIGHBORS: usize = 15;

#[derive(Deserialize)]
struct Golden {
    given: Vec<Given>,
    memberships: Vec<Memberships>,
    maps: Vec<Maps>,
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
struct Maps {
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

/// The map of the first digits and the places of the others on it.
fn maps(components: usize, seed: u64) -> (Array2<f32>, Array2<f32>) {
    let digits = digits();
    let (fitted, new) = digits.view().split_at(Axis(0), FITTED);
    let params = MapParams::default();
    let layout = Umap::learn(fitted, params)
        .unwrap()
        .project(components, seed)
        .unwrap();
    let map = FittedMap::new(fitted, layout.view(), params, seed).unwrap();
    let places = map.transform(new).unwrap();
    (layout, places)
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
fn maps_and_places_are_as_trustworthy_as_those_of_umap_learn() {
    let digits = digits();
    let (fitted, new) = digits.view().split_at(Axis(0), FITTED);
    let trust = |points: ArrayView2<'_, f32>, map: &Array2<f32>| {
        trustworthiness(points, map.view(), NEIGHBORS)
            .unwrap()
            .unwrap()
    };
    for expected in golden().maps {
        let (layout, places) = maps(expected.components, 1);
        for (what, found, expected) in [
            ("fit", trust(fitted, &layout), mean(&expected.fit)),
            ("transform", trust(new, &places), mean(&expected.transform)),
        ] {
            println!("{what}: {found:.4}, umap-learn {expected:.4}");
            assert!(
                found > expected - 0.01,
                "{what}: {found}, umap-learn {expected}"
            );
        }
    }
}

#[test]
fn a_place_depends_neither_on_companions_nor_on_threads() {
    let digits = digits();
    let (fitted, new) = digits.view().split_at(Axis(0), FITTED);
    let new = new.slice(s![..20, ..]);
    let params = MapParams {
        epochs: 60,
        ..MapParams::default()
    };
    let layout = Umap::learn(fitted, params).unwrap().project(2, 1).unwrap();
    let map = FittedMap::new(fitted, layout.view(), params, 1).unwrap();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| map.transform(new).unwrap())
    };
    let together = on(1);
    assert_eq!(together, on(3));
    for i in 0..new.nrows() {
        let alone = map.transform(new.slice(s![i..=i, ..])).unwrap();
        assert_eq!(alone.row(0), together.row(i));
    }
}
