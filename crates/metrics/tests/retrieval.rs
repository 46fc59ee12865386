//! Retrieval scores against pytorch-metric-learning: `golden/retrieval.py` documents how the values were made.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use approx::assert_relative_eq;
use metrics::retrieval::{Distance, Labeled, Retrieval, retrieval, retrieval_from};
use numeric::Matrix;
use serde::Deserialize;

const N: u64 = 200;
const D: u64 = 5;
const K: u64 = 6;

#[derive(Deserialize)]
struct Case {
    distance: String,
    leave_one_out: Expected,
    from: Expected,
}

#[derive(Deserialize)]
struct Expected {
    recall_at_1: f64,
    map_at_r: f64,
}

impl Expected {
    fn check(&self, found: Option<Retrieval>) {
        let found = found.unwrap();
        assert_relative_eq!(found.recall_at_1, self.recall_at_1, max_relative = 1e-12);
        assert_relative_eq!(found.map_at_r, self.map_at_r, max_relative = 1e-12);
    }
}

/// As in `retrieval.py`.
fn noise(i: u64, j: u64, salt: u64) -> f64 {
    let mixed = i * 7919 + j * 104_729 + salt * 1_299_709 + i * i * 31 + i * j * 17;
    (mixed % 65_521) as f64 / 65_536.0
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers, and coordinates exact in 32 bits"
)]
fn labeled(n: u64, salt: u64) -> (Matrix, Vec<usize>) {
    let label = |i| (noise(i, 0, salt) * noise(i, 1, salt) * K as f64) as u64;
    let labels: Vec<u64> = (0..n - 1).map(label).chain([K]).collect();
    let value = |i: u64, d: u64, label: u64| {
        (noise(i, d, salt + 1) - 0.5 + if label == d { 0.25 } else { 0.0 }) as f32
    };
    let row = |(i, &label): (u64, &u64)| (0..D).map(|d| value(i, d, label)).collect();
    let rows: Vec<Vec<f32>> = (0..n).zip(&labels).map(row).collect();
    let points = Matrix::from_rows(&rows).unwrap();
    (points, labels.iter().map(|&label| label as usize).collect())
}

#[test]
fn scores_are_those_of_pytorch_metric_learning() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden/retrieval.json")).unwrap();
    let (points, labels) = labeled(N, 1);
    let (queries, query_labels) = labeled(N / 3, 4);
    let references = Labeled::new(&points, &labels).unwrap();
    let queries = Labeled::new(&queries, &query_labels).unwrap();
    for case in cases {
        let distance = match case.distance.as_str() {
            "cosine" => Distance::Cosine,
            _ => Distance::Euclidean,
        };
        case.leave_one_out
            .check(retrieval(&points, &labels, distance).unwrap());
        case.from
            .check(retrieval_from(queries, references, distance).unwrap());
    }
}
