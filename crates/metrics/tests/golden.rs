//! Scores against scikit-learn: `golden/make.py` and `golden/baselines.py` document how the values were made.

use std::collections::BTreeMap;

use approx::assert_relative_eq;
use cluster_validity::{calinski_harabasz, davies_bouldin, silhouette};
use metrics::{ConfusionCounts, Metric, ScoredPrediction};
use numeric::Matrix;
use serde::Deserialize;

const N: u64 = 120;
const K: u64 = 5;
const D: u64 = 3;

#[derive(Deserialize)]
struct Case {
    n_seen: u64,
    ties: bool,
    scores: BTreeMap<String, f64>,
    confusion: Vec<Vec<u64>>,
    report: Vec<[f64; 4]>,
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
fn actual(case: &Case) -> Vec<usize> {
    let class_index = |i| (noise(i, 0, 1) * noise(i, 1, 2) * case.n_seen as f64) as usize;
    (0..N).map(class_index).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "exact in 32 bits")]
fn logits(case: &Case, actual: &[usize]) -> Vec<Vec<f32>> {
    let logit = |i: u64, j: u64, actual: usize| {
        let own = if j == actual as u64 { 1.0 } else { 0.0 };
        let logit = 4.0 * noise(i, j, 3) - 2.0 + own;
        let logit = if case.ties {
            (2.0 * logit).floor() / 2.0
        } else {
            logit
        };
        logit as f32
    };
    let row = |(i, &actual)| (0..K).map(|j| logit(i, j, actual)).collect();
    (0..N).zip(actual).map(row).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "exact in 32 bits")]
fn points(actual: &[usize]) -> Matrix {
    let value =
        |i, d, actual: usize| (8.0 * noise(i, d, 5) + (actual as u64 * (d + 1)) as f64) as f32;
    let row = |(i, &actual)| (0..D).map(|d| value(i, d, actual)).collect::<Vec<_>>();
    let rows: Vec<Vec<f32>> = (0..N).zip(actual).map(row).collect();
    Matrix::from_rows(&rows).expect("rows of one length")
}

/// The softmax in eighths, rounded down.
#[expect(clippy::cast_possible_truncation, reason = "eighths are exact")]
fn votes(logits: &[f32]) -> Vec<f32> {
    let exps: Vec<f64> = logits.iter().map(|&logit| f64::from(logit).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.iter()
        .map(|exp| ((exp / sum * 8.0).floor() / 8.0) as f32)
        .collect()
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("golden/golden.json")).expect("`make.py` wrote it")
}

#[test]
fn scores_are_those_of_scikit_learn() {
    for case in cases() {
        let actual = actual(&case);
        let logits = logits(&case, &actual);
        let score =
            |(logits, &actual): (&Vec<f32>, &usize)| ScoredPrediction::of_logits(logits, actual);
        let predictions: Vec<ScoredPrediction> = logits
            .iter()
            .zip(&actual)
            .map(|row| score(row).unwrap())
            .collect();
        let counts = ConfusionCounts::of(5, &predictions);
        for (metric, score) in Metric::ALL.into_iter().zip(counts.scores()) {
            let tolerance = if metric == Metric::LogLoss {
                1e-6
            } else {
                1e-9
            };
            assert_relative_eq!(score, case.scores[metric.name()], max_relative = tolerance);
        }
        for k in 1..=3 {
            let expected = case.scores[&format!("plain_top{k}")];
            assert_relative_eq!(counts.plain_top(k), expected, max_relative = 1e-9);
        }
        for (row, expected) in case.confusion.iter().enumerate() {
            let found: Vec<u64> = (0..5).map(|column| counts.count(row, column)).collect();
            assert_eq!(&found, expected);
        }
        for (class, [precision, recall, f1, support]) in counts.report().iter().zip(case.report) {
            assert_relative_eq!(class.precision, precision, max_relative = 1e-9);
            assert_relative_eq!(class.recall, recall, max_relative = 1e-9);
            assert_relative_eq!(class.f1, f1, max_relative = 1e-9);
            assert_relative_eq!(class.support as f64, support);
        }
    }
}

#[test]
fn the_loss_of_votes_is_clipped() {
    for case in cases() {
        let actual = actual(&case);
        let losses = logits(&case, &actual).into_iter().zip(&actual);
        let losses = losses.map(|(logits, &actual)| {
            ScoredPrediction::of_probabilities(&votes(&logits), actual)
                .unwrap()
                .loss
        });
        let mean = losses.sum::<f64>() / N as f64;
        assert_relative_eq!(mean, case.scores["log_loss_votes"], max_relative = 1e-9);
    }
}

#[test]
fn separations_are_those_of_scikit_learn() {
    for case in cases() {
        let actual = actual(&case);
        let points = points(&actual);
        let score = |(logits, &actual): (&Vec<f32>, &usize)| {
            ScoredPrediction::of_logits(logits, actual).unwrap()
        };
        let predicted: Vec<usize> = logits(&case, &actual)
            .iter()
            .zip(&actual)
            .map(|row| score(row).predicted)
            .collect();
        for (name, labels) in [("true", &actual), ("predicted", &predicted)] {
            let check = |index: &str, found: Option<f64>| {
                let expected = case.scores[&format!("{index}_{name}")];
                assert_relative_eq!(found.unwrap(), expected, max_relative = 1e-9);
            };
            check("silhouette", silhouette(&points, labels).unwrap());
            check("davies_bouldin", davies_bouldin(&points, labels).unwrap());
            check(
                "calinski_harabasz",
                calinski_harabasz(&points, labels).unwrap(),
            );
        }
    }
}

/// As in `baselines.py`: training images and scored images by class.
const BASELINES: [[u32; 4]; 2] = [[7, 12, 5, 6], [9, 4, 6, 3]];

#[test]
fn baselines_are_those_of_scikit_learn() {
    let golden: BTreeMap<String, BTreeMap<String, f64>> =
        serde_json::from_str(include_str!("golden/baselines.json")).unwrap();
    let [train, scored] = BASELINES;
    let total: u32 = train.iter().sum();
    let frequencies = train.map(|count| f64::from(count) / f64::from(total));
    let actual = || (0..4).flat_map(|class| (0..scored[class]).map(move |_| class));
    let prior: Vec<ScoredPrediction> = actual()
        .map(|class| metrics::largest_class(&frequencies, class))
        .collect();
    let uniform: Vec<ScoredPrediction> = actual()
        .flat_map(|class| metrics::chance(4, class))
        .collect();
    for (name, predictions, epsilon) in [("prior", prior, 1e-9), ("uniform", uniform, 0.01)] {
        let found = ConfusionCounts::of(4, &predictions).scores();
        for (metric, found) in Metric::ALL.into_iter().zip(found) {
            let expected = golden[name][metric.name()];
            assert!(
                (found - expected).abs() < epsilon,
                "{metric:?} of {name}: {found}, expected {expected}"
            );
        }
    }
}
