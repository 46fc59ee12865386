//! Calibrators and metrics against scikit-learn, scipy and netcal: `golden/calibration.py` documents how the values
//! were made.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::{collections::BTreeMap, num::NonZeroUsize};

use approx::assert_abs_diff_eq;
use metrics::calibration::{
    CalibrationMetrics, Forecasts, Isotonic, OneAgainstRest, Sigmoid, Temperature,
};
use serde::Deserialize;

const N_FIT: usize = 240;
const N_EVALUATED: usize = 120;
const K: u64 = 4;
const BINS: NonZeroUsize = NonZeroUsize::new(15).unwrap();

#[derive(Deserialize)]
struct Golden {
    temperature: f64,
    sigmoids: Vec<[f64; 2]>,
    probabilities_platt: Vec<Vec<f64>>,
    probabilities_isotonic: Vec<Vec<f64>>,
    #[serde(flatten)]
    metrics: BTreeMap<String, BTreeMap<String, f64>>,
}

/// Images: first those that calibrators are fitted to, then those that are evaluated.
struct Images {
    actual: Vec<usize>,
    logits: Vec<Vec<f32>>,
    votes: Vec<Vec<f64>>,
}

/// As in `calibration.py`.
fn noise(i: u64, j: u64, salt: u64) -> f64 {
    let mixed = i * 7919 + j * 104_729 + salt * 1_299_709 + i * i * 31 + i * j * 17;
    (mixed % 65_521) as f64 / 65_536.0
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/calibration.json")).unwrap()
}

impl Images {
    #[expect(clippy::cast_possible_truncation, reason = "exact in 32 bits")]
    fn new() -> Self {
        let actual: Vec<u64> = (0..(N_FIT + N_EVALUATED) as u64)
            .map(|i| (i * i + 3 * i) % 11 % K)
            .collect();
        let rows = || (0_u64..).zip(&actual);
        let own = |j: u64, actual: u64, value: f64| if j == actual { value } else { 0.0 };
        let logit = |i, j, actual| (8.0 * noise(i, j, 3) - 4.0 + own(j, actual, 2.0)) as f32;
        let logits = rows().map(|(i, &actual)| (0..K).map(|j| logit(i, j, actual)).collect());
        let vote = |i, j, actual| (8.0 * noise(i, j, 4)).floor() + own(j, actual, 3.0);
        let votes = rows().map(|(i, &actual)| {
            let votes: Vec<f64> = (0..K).map(|j| vote(i, j, actual)).collect();
            let sum: f64 = votes.iter().sum();
            votes.iter().map(|vote| vote / sum).collect()
        });
        Self {
            logits: logits.collect(),
            votes: votes.collect(),
            actual: actual.iter().map(|&index| index as usize).collect(),
        }
    }

    /// Forecasts for the evaluated images.
    fn evaluated(&self, row: impl Fn(usize) -> Vec<f64>) -> Forecasts {
        Forecasts::of((N_FIT..N_FIT + N_EVALUATED).map(|i| (row(i), self.actual[i]))).unwrap()
    }

    /// The votes that calibrators are fitted to.
    fn fitted(&self) -> Forecasts {
        Forecasts::of((0..N_FIT).map(|i| (self.votes[i].clone(), self.actual[i]))).unwrap()
    }
}

/// Compares the metrics of `forecasts` with those of `golden` by `name`.
fn check(golden: &Golden, name: &str, forecasts: &Forecasts, tolerance: f64) {
    let quality = CalibrationMetrics::of(forecasts, BINS);
    for (metric, &expected) in &golden.metrics[name] {
        let found = match metric.as_str() {
            "ece" => quality.ece,
            "classwise_ece" => quality.classwise_ece,
            "brier" => quality.brier,
            "log_loss" => quality.log_loss,
            _ => quality.accuracy,
        };
        assert_abs_diff_eq!(found, expected, epsilon = tolerance);
    }
}

#[test]
fn metrics_are_those_of_scikit_learn_and_netcal() {
    let (golden, images) = (golden(), Images::new());
    let plain = images.evaluated(|i| Temperature::ONE.apply(&images.logits[i]));
    check(&golden, "network_none", &plain, 1e-9);
    let votes = images.evaluated(|i| images.votes[i].clone());
    check(&golden, "forest_none", &votes, 1e-9);
}

#[test]
fn the_temperature_is_that_of_scipy() {
    let (golden, images) = (golden(), Images::new());
    let logits: Vec<&[f32]> = images.logits[..N_FIT].iter().map(Vec::as_slice).collect();
    let temperature = Temperature::fit(&logits, &images.actual[..N_FIT]).unwrap();
    assert_abs_diff_eq!(temperature.value(), golden.temperature, epsilon = 1e-6);
    let cooled = images.evaluated(|i| temperature.apply(&images.logits[i]));
    check(&golden, "network_temperature", &cooled, 1e-6);
}

#[test]
fn sigmoids_are_those_of_scikit_learn() {
    let (golden, images) = (golden(), Images::new());
    let platt = OneAgainstRest::<Sigmoid>::fit(&images.fitted());
    for (found, [a, b]) in platt.curves().iter().zip(&golden.sigmoids) {
        let found = found.as_ref().unwrap();
        assert_abs_diff_eq!(found.a, *a, epsilon = 1e-4);
        assert_abs_diff_eq!(found.b, *b, epsilon = 1e-4);
    }
    let row = |i: usize| platt.apply(&images.votes[i]).unwrap();
    for (i, expected) in golden.probabilities_platt.iter().enumerate() {
        assert_abs_diff_eq!(row(N_FIT + i)[..], expected[..], epsilon = 1e-5);
    }
    check(&golden, "forest_platt", &images.evaluated(row), 1e-5);
}

#[test]
fn rising_curves_are_those_of_scikit_learn() {
    let (golden, images) = (golden(), Images::new());
    let isotonic = OneAgainstRest::<Isotonic>::fit(&images.fitted());
    let row = |i: usize| isotonic.apply(&images.votes[i]).unwrap();
    for (i, expected) in golden.probabilities_isotonic.iter().enumerate() {
        assert_abs_diff_eq!(row(N_FIT + i)[..], expected[..], epsilon = 1e-9);
    }
    check(&golden, "forest_isotonic", &images.evaluated(row), 1e-9);
}
