//! The linear layer against scikit-learn: `golden/make.py` documents how the values were made.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use approx::assert_abs_diff_eq;
use linear_probe::{C, LogisticRegression};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Case {
    /// Rows to fit, rows to predict, features, classes.
    size: [u64; 4],
    c: f64,
    probabilities: Vec<Vec<f64>>,
}

/// As in `make.py`.
fn noise(i: u64, j: u64, salt: u64) -> f64 {
    let mixed = i * 7919 + j * 104_729 + salt * 1_299_709 + i * i * 31 + i * j * 17;
    (mixed % 1024) as f64 / 1024.0
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers, as in `make.py`"
)]
fn label(i: u64, n_classes: u64) -> usize {
    (noise(i, 0, 1) * noise(i, 1, 2) * n_classes as f64) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "exact in 32 bits")]
fn row(i: u64, n_features: u64, n_classes: u64) -> Vec<f32> {
    let label = label(i, n_classes) as u64;
    let value = |j: u64| {
        let signal = if label == j % n_classes { 1.0 } else { 0.0 };
        let varying = (j + 1) as f64 * (2.0 * noise(i, j, 3) + signal) - j as f64;
        if j == n_features - 1 { 3.0 } else { varying }
    };
    (0..n_features).map(|j| value(j) as f32).collect()
}

fn check(case: &Case) {
    let [n_train, n_test, n_features, n_classes] = case.size;
    let labels: Vec<usize> = (0..n_train).map(|i| label(i, n_classes)).collect();
    let rows: Vec<Vec<f32>> = (0..n_train + n_test)
        .map(|i| row(i, n_features, n_classes))
        .collect();
    let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
    let (train, test) = rows.split_at(labels.len());
    let c = C::try_from(case.c).unwrap();
    let n_classes = usize::try_from(n_classes).unwrap();
    let fitted = LogisticRegression::fit(train, &labels, n_classes, c).unwrap();
    assert!(fitted.has_converged());
    let found = fitted.probabilities(test).unwrap().concat();
    for (found, expected) in found.into_iter().zip(case.probabilities.concat()) {
        assert_abs_diff_eq!(found, expected, epsilon = TOLERANCE);
    }
}

#[test]
fn probabilities_are_those_of_scikit_learn() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden/golden.json")).unwrap();
    assert_eq!(cases.len(), 12);
    cases.iter().for_each(check);
}
