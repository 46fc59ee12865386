//! Calibration out of fold against scikit-learn and scipy: `golden/cross_fitting.py` documents how the values were made.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use approx::assert_abs_diff_eq;
use metrics::Clusters;
use metrics::calibration::{
    CalibrationMetrics, CrossFitted, Forecasts, Isotonic, OneAgainstRest, Temperature,
    author_groups,
};
use serde::Deserialize;

const N: u64 = 200;
const K: u64 = 4;
const GROUPS: usize = 5;

#[derive(Deserialize)]
struct Golden {
    groups: Vec<usize>,
    temperatures: Vec<f64>,
    temperature_log_loss: f64,
    isotonic: Vec<Vec<f64>>,
    wilson: [f64; 2],
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/cross_fitting.json")).unwrap()
}

/// As in `cross_fitting.py`.
fn noise(i: u64, j: u64, salt: u64) -> f64 {
    let mixed = i * 7919 + j * 104_729 + salt * 1_299_709 + i * i * 31 + i * j * 17;
    (mixed % 65_521) as f64 / 65_536.0
}

fn actual() -> Vec<usize> {
    (0..N)
        .map(|i| ((i * i + 3 * i) % 11 % K) as usize)
        .collect()
}

/// Values of a class by image, with more for the true one.
fn rows(value: impl Fn(u64, u64) -> f64, own: f64) -> Vec<Vec<f64>> {
    let row = |(i, actual): (u64, usize)| {
        let classes = (0..K).map(|j| value(i, j) + if j == actual as u64 { own } else { 0.0 });
        classes.collect()
    };
    (0..N).zip(actual()).map(row).collect()
}

#[test]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "below 40"
)]
fn groups_of_authors_are_those_of_scikit_learn() {
    let units: Vec<usize> = (0..N)
        .map(|i| (40.0 * noise(i, 0, 7).powi(2)) as usize)
        .collect();
    let groups = author_groups(&actual(), &units, GROUPS).unwrap();
    assert_eq!(groups, golden().groups);
}

#[test]
#[expect(clippy::cast_possible_truncation, reason = "exact in 32 bits")]
fn temperatures_by_group_are_those_of_scipy() {
    let (golden, actual) = (golden(), actual());
    let logits = rows(|i, j| 8.0 * noise(i, j, 3) - 4.0, 2.0);
    let logits: Vec<Vec<f32>> = { logits.iter() }
        .map(|row| row.iter().map(|&logit| logit as f32).collect())
        .collect();
    let fitted = CrossFitted::of(
        &golden.groups,
        |images| {
            let rows: Vec<&[f32]> = images.iter().map(|&i| logits[i].as_slice()).collect();
            let actual: Vec<usize> = images.iter().map(|&i| actual[i]).collect();
            Temperature::fit(&rows, &actual)
        },
        |temperature, image| Ok(temperature.apply(&logits[image])),
    )
    .unwrap();
    for (found, expected) in fitted.calibrators.iter().zip(&golden.temperatures) {
        assert_abs_diff_eq!(found.value(), *expected, epsilon = 1e-6);
    }
    let forecasts = Forecasts::of(fitted.probabilities.into_iter().zip(actual)).unwrap();
    let metrics = CalibrationMetrics::of(&forecasts, 15.try_into().unwrap());
    assert_abs_diff_eq!(
        metrics.log_loss,
        golden.temperature_log_loss,
        epsilon = 1e-6
    );
}

#[test]
fn rising_curves_by_group_are_those_of_scikit_learn() {
    let (golden, actual) = (golden(), actual());
    let votes = rows(|i, j| (8.0 * noise(i, j, 4)).floor(), 3.0);
    let votes: Vec<Vec<f64>> = { votes.iter() }
        .map(|row| {
            let sum: f64 = row.iter().sum();
            row.iter().map(|vote| vote / sum).collect()
        })
        .collect();
    let fitted = CrossFitted::of(
        &golden.groups,
        |images| {
            let rows = images.iter().map(|&i| (votes[i].clone(), actual[i]));
            Ok(OneAgainstRest::<Isotonic>::fit(&Forecasts::of(rows)?))
        },
        |curves, image| curves.apply(&votes[image]),
    )
    .unwrap();
    for (found, expected) in fitted.probabilities.iter().zip(&golden.isotonic) {
        assert_abs_diff_eq!(found[..], expected[..], epsilon = 1e-9);
    }
}

#[test]
fn the_interval_of_a_bin_is_wilsons() {
    // An author an image: 19 degrees of freedom.
    let units: Vec<usize> = (0..20).collect();
    let clusters = Clusters::of(&[0; 20], &units).unwrap();
    let found = clusters.share(&units, 17, 0.3).unwrap();
    let [low, high] = golden().wilson;
    assert_abs_diff_eq!(found.low, low, epsilon = 1e-9);
    assert_abs_diff_eq!(found.high, high, epsilon = 1e-9);
}
