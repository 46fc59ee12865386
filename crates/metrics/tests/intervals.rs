//! Intervals of shares against statsmodels: `golden/intervals.py` documents how the values were made.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use approx::assert_relative_eq;
use metrics::{Metric, ScoredPrediction, intervals};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    alone: Vec<Alone>,
    clustered: Vec<Clustered>,
}

#[derive(Deserialize)]
struct Alone {
    n: usize,
    wrong: usize,
    interval: [f64; 2],
}

#[derive(Deserialize)]
struct Clustered {
    n: usize,
    authors: usize,
    every: usize,
    accuracy: [f64; 2],
    top1: [f64; 2],
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/intervals.json")).unwrap()
}

fn image(actual: usize, n_classes: usize, is_right: bool) -> ScoredPrediction {
    ScoredPrediction {
        actual,
        predicted: (actual + usize::from(!is_right)) % n_classes,
        rank: usize::from(!is_right),
        loss: 1.0,
    }
}

fn check(metric: Metric, predictions: &[ScoredPrediction], units: &[usize], expected: [f64; 2]) {
    let rng_of = |replicate| ChaCha8Rng::seed_from_u64(replicate);
    let found = intervals(3, predictions, units, 2, rng_of)
        .unwrap()
        .unwrap();
    let place = Metric::ALL.iter().position(|m| *m == metric).unwrap();
    assert_relative_eq!(
        found[place].low,
        expected[0],
        epsilon = 1e-9,
        max_relative = 1e-9
    );
    assert_relative_eq!(
        found[place].high,
        expected[1],
        epsilon = 1e-9,
        max_relative = 1e-9
    );
}

#[test]
fn images_without_authors_have_the_interval_of_a_proportion() {
    for case in golden().alone {
        let predictions: Vec<ScoredPrediction> = (0..case.n)
            .map(|i| image(i % 2, 3, i >= case.wrong))
            .collect();
        let units: Vec<usize> = (0..case.n).collect();
        check(Metric::Accuracy, &predictions, &units, case.interval);
    }
}

#[test]
fn authors_have_the_design_effect_of_all_pairs() {
    for case in golden().clustered {
        let units: Vec<usize> = (0..case.n)
            .map(|i| (i * i + i / 7) % case.authors)
            .collect();
        let is_right = |i: usize| !(i / 5).is_multiple_of(case.every) || units[i] % 4 == 1;
        let predictions: Vec<ScoredPrediction> =
            (0..case.n).map(|i| image(i % 3, 3, is_right(i))).collect();
        check(Metric::Accuracy, &predictions, &units, case.accuracy);
        check(Metric::Recall, &predictions, &units, case.accuracy);
        check(Metric::Top1, &predictions, &units, case.top1);
    }
}
