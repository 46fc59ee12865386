use std::num::NonZeroUsize;

use approx::assert_abs_diff_eq;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{Difference, MetricError};

const TEN: NonZeroUsize = NonZeroUsize::new(10).unwrap();

/// Four images of two classes.
fn four() -> Forecasts {
    let rows = [(0.95, 0), (0.85, 1), (0.83, 0), (0.4, 1)];
    Forecasts::of(rows.map(|(p, actual)| (vec![p, 1.0 - p], actual))).unwrap()
}

/// Logits of two classes with odds of e² : 1, right on three of four images.
fn overconfident() -> (Vec<Vec<f32>>, Vec<usize>) {
    (vec![vec![2.0, 0.0]; 4], vec![0, 0, 0, 1])
}

fn fit(logits: &[Vec<f32>], actual: &[usize]) -> Result<Temperature, MetricError> {
    let rows: Vec<&[f32]> = logits.iter().map(Vec::as_slice).collect();
    Temperature::fit(&rows, actual)
}

#[test]
fn four_images_by_hand() {
    let found = CalibrationMetrics::of(&four(), TEN);
    // The confidences 0.85 and 0.83 share a bin, half of which is right.
    let ece = (0.05 + (0.85 + 0.83 - 1.0) + 0.4) / 4.0;
    assert_abs_diff_eq!(found.ece, ece, epsilon = 1e-12);
    // With two classes the second one's gaps mirror the first's.
    assert_abs_diff_eq!(found.classwise_ece, ece, epsilon = 1e-12);
    let squares = [0.05, 0.85, 0.17, 0.4].map(|p: f64| 2.0 * p * p);
    assert_abs_diff_eq!(
        found.brier,
        squares.iter().sum::<f64>() / 4.0,
        epsilon = 1e-12
    );
    let likelihood = 0.95_f64 * 0.15 * 0.83 * 0.6;
    assert_abs_diff_eq!(found.log_loss, -likelihood.ln() / 4.0, epsilon = 1e-12);
    assert_abs_diff_eq!(found.accuracy, 0.75);
}

#[test]
fn bins_include_their_upper_bounds() {
    let rows = [0.5, 0.6, 0.600_001, 1.0];
    let forecasts = Forecasts::of(rows.map(|p| (vec![p, 1.0 - p], 0))).unwrap();
    let units = [0, 1, 2, 3];
    let evaluation = Evaluation::of(&forecasts, &units, NonZeroUsize::new(5).unwrap()).unwrap();
    let bins = evaluation.reliability();
    assert_eq!(
        bins.iter().map(|bin| bin.n).collect::<Vec<_>>(),
        [0, 0, 2, 1, 1]
    );
    assert_eq!((bins[0].confidence, bins[0].accuracy), (None, None));
    assert_eq!(bins[0].interval, None);
    assert_abs_diff_eq!(bins[2].confidence.unwrap(), 0.55, epsilon = 1e-12);
    assert_abs_diff_eq!(bins[2].low, 0.4);
    assert_abs_diff_eq!(bins[2].high, 0.6);
    assert_eq!(bins[4].accuracy, Some(1.0));
    // One image is right: that is no certainty.
    assert!(bins[4].interval.unwrap().low < 0.2);
}

/// Images of one class and their authors, whose confidences are `rows`.
fn by_chance(rows: &[f64], units: &[usize], n_replicates: u64) -> Option<Chance> {
    let rows = rows.iter().map(|&p| (vec![p, 1.0 - p], 0));
    let forecasts = Forecasts::of(rows).unwrap();
    let evaluation = Evaluation::of(&forecasts, units, TEN).unwrap();
    evaluation.ece_by_chance(n_replicates, ChaCha8Rng::seed_from_u64)
}

#[test]
fn the_error_by_chance_is_above_0() {
    // Right or wrong, one image is as far from a half; of two, one is right every second time.
    let single = by_chance(&[0.5], &[0], 10).unwrap();
    assert_abs_diff_eq!(single.mean, 0.5);
    assert_abs_diff_eq!(single.low, 0.5);
    assert_abs_diff_eq!(single.high, 0.5);
    let two = by_chance(&[0.5, 0.5], &[0, 1], 4000).unwrap();
    assert_abs_diff_eq!(two.mean, 0.25, epsilon = 0.02);
    assert_abs_diff_eq!(two.low, 0.0);
    assert_abs_diff_eq!(two.high, 0.5);
    assert_abs_diff_eq!(by_chance(&[1.0; 5], &[0; 5], 10).unwrap().mean, 0.0);
    assert_eq!(by_chance(&[0.5], &[0], 0), None);
}

#[test]
fn images_of_one_author_make_chance_larger() {
    // Both images of an author have the same confidence: 30 authors are wrong in both, 30 right.
    let rows = |is_alike: bool| -> (Forecasts, Vec<usize>) {
        let image = |image: usize| {
            let is_right = if is_alike { image / 2 } else { image }.is_multiple_of(2);
            let p = if is_right { 0.7 } else { 0.3 };
            (vec![p, 1.0 - p], 0)
        };
        let units = (0..120).map(|image| image / 2).collect();
        (Forecasts::of((0..120).map(image)).unwrap(), units)
    };
    let mean = |is_alike| {
        let (forecasts, units) = rows(is_alike);
        let evaluation = Evaluation::of(&forecasts, &units, TEN).unwrap();
        let chance = evaluation.ece_by_chance(2000, ChaCha8Rng::seed_from_u64);
        chance.unwrap().mean
    };
    // The mean distance from 0.7 of a share of n images is √(2 / π · 0.21 / n): 60 authors are worth 60 images.
    let expected = |n: f64| (2.0 / std::f64::consts::PI * 0.21 / n).sqrt();
    assert_abs_diff_eq!(mean(false), expected(120.0), epsilon = 0.002);
    assert_abs_diff_eq!(mean(true), expected(60.0), epsilon = 0.002);
}

/// Images of two classes by authors of two images each; `is_right` of an image number, all with this confidence.
fn evaluated(confidence: f64, is_right: impl Fn(usize) -> bool) -> (Forecasts, Vec<usize>) {
    let row = |image: usize| {
        let actual = image / 2 % 2;
        let predicted = if is_right(image) { actual } else { 1 - actual };
        let mut row = vec![1.0 - confidence; 2];
        row[predicted] = confidence;
        (row, actual)
    };
    let units = (0..240).map(|image| image / 2).collect();
    (Forecasts::of((0..240).map(row)).unwrap(), units)
}

#[test]
fn confidence_is_told_from_accuracy_by_authors() {
    let excess = |confidence, is_right: fn(usize) -> bool| {
        let (forecasts, units) = evaluated(confidence, is_right);
        let evaluation = Evaluation::of(&forecasts, &units, TEN).unwrap();
        let found = evaluation.excess_confidence(500, ChaCha8Rng::seed_from_u64);
        found.unwrap()
    };
    // 80 % are right.
    let over = excess(0.9, |image| !image.is_multiple_of(5));
    assert_abs_diff_eq!(over.value, 0.1, epsilon = 1e-12);
    assert!(over.low > 0.0, "{over:?}");
    let under = excess(0.7, |image| !image.is_multiple_of(5));
    assert!(under.high < 0.0, "{under:?}");
    let calibrated = excess(0.82, |image| !image.is_multiple_of(5));
    assert!(!calibrated.excludes_zero(), "{calibrated:?}");
    // The same share, but authors are right or wrong in both images: less is known.
    let alike = excess(0.9, |image| !(image / 2).is_multiple_of(5));
    let width = |found: Difference| found.high - found.low;
    assert!(width(alike) > 1.2 * width(over), "{alike:?} {over:?}");
}

#[test]
fn a_change_of_the_loss_is_paired_by_image() {
    let is_right = |image: usize| !image.is_multiple_of(5);
    let (before, units) = evaluated(0.95, is_right);
    let (after, _) = evaluated(0.8, is_right);
    let [before, after] =
        [&before, &after].map(|forecasts| Evaluation::of(forecasts, &units, TEN).unwrap());
    let change = after
        .log_loss_change(&before, 500, ChaCha8Rng::seed_from_u64)
        .unwrap()
        .unwrap();
    let loss = |p: f64| -0.8 * p.ln() - 0.2 * (1.0 - p).ln();
    assert_abs_diff_eq!(change.value, loss(0.8) - loss(0.95), epsilon = 1e-12);
    assert!(change.excludes_zero() && change.high < 0.0, "{change:?}");
    // Not paired, it would be unknown: the interval of the log-loss alone is wider than the change.
    let alone = before
        .log_loss(500, ChaCha8Rng::seed_from_u64)
        .unwrap()
        .unwrap();
    assert!(alone.high - alone.low > change.value.abs(), "{alone:?}");
    let (other, units) = evaluated(0.8, is_right);
    let fewer = Forecasts::of((0..10).map(|i| (other.image(i).0.to_vec(), 0))).unwrap();
    let fewer = Evaluation::of(&fewer, &units[..10], TEN).unwrap();
    assert_eq!(
        fewer
            .log_loss_change(&before, 1, ChaCha8Rng::seed_from_u64)
            .unwrap_err()
            .to_string(),
        "losses before calibration: found 240, expected 10, one for each image"
    );
}

#[test]
fn resampled_errors_are_those_of_the_images_drawn() {
    let units = [0, 1, 2, 3];
    let forecasts = four();
    let evaluation = Evaluation::of(&forecasts, &units, TEN).unwrap();
    // Of each class's two images one is drawn, which then counts twice: each of the four draws is a whole error.
    let error = |first: (f64, bool), second: (f64, bool)| {
        let gap = |(p, is_right): (f64, bool)| (p - f64::from(u8::from(is_right))).abs();
        (gap(first) + gap(second)) / 2.0
    };
    let errors = [
        error((0.95, true), (0.85, false)),
        error((0.95, true), (0.6, true)),
        // Both are in one bin.
        (0.83 + 0.85 - 1.0) / 2.0,
        error((0.83, true), (0.6, true)),
    ];
    let found = evaluation.ece(400, ChaCha8Rng::seed_from_u64).unwrap();
    let low = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let high = errors.iter().copied().fold(0.0, f64::max);
    assert_abs_diff_eq!(found.low, low, epsilon = 1e-9);
    assert_abs_diff_eq!(found.high, high, epsilon = 1e-9);
}

#[test]
fn probabilities_are_checked() {
    let error = |rows: Vec<(Vec<f64>, usize)>| Forecasts::of(rows).unwrap_err().to_string();
    assert_eq!(error(vec![]), "there are no images, expected at least one");
    assert_eq!(
        error(vec![(vec![0.5, 0.5], 0), (vec![1.0], 0)]),
        "an image has scores of 1 classes, expected 2"
    );
    assert_eq!(
        error(vec![(vec![0.5, 0.6], 0)]),
        "the probabilities of an image are [0.5, 0.6], expected numbers from 0 to 1 that sum to 1"
    );
    assert!(error(vec![(vec![1.5, -0.5], 0)]).starts_with("the probabilities"));
    assert!(error(vec![(vec![f64::NAN, 0.5], 0)]).starts_with("the probabilities"));
    assert_eq!(
        error(vec![(vec![0.5, 0.5], 2)]),
        "the true class has index 2, but the prediction has 2 scores"
    );
}

#[test]
fn a_temperature_calibrates_confidence() {
    let (logits, actual) = overconfident();
    let temperature = fit(&logits, &actual).unwrap();
    // Odds of 3 : 1.
    assert_abs_diff_eq!(temperature.value(), 2.0 / 3_f64.ln(), epsilon = 1e-6);
    assert_abs_diff_eq!(temperature.apply(&logits[0])[0], 0.75, epsilon = 1e-7);
}

#[test]
fn a_temperature_scales_with_the_logits_and_keeps_their_order() {
    let value = |i: u32| ((i * i * 31 + i * 7919) % 1009) as f32 / 250.0;
    let actual: Vec<usize> = (0..60).map(|i| i % 7 % 3).collect();
    let own = |is_own| if is_own { 1.0 } else { 0.0 };
    let row = |(i, actual): (u32, &usize)| {
        let classes = (3 * i..).zip(0..3);
        let logits = classes.map(|(i, class)| value(i) + own(class == *actual));
        logits.collect()
    };
    let logits: Vec<Vec<f32>> = (0..).zip(&actual).map(row).collect();
    let tripled: Vec<Vec<f32>> = logits
        .iter()
        .map(|row| row.iter().map(|z| z * 3.0).collect())
        .collect();
    let (plain, hot) = (
        fit(&logits, &actual).unwrap(),
        fit(&tripled, &actual).unwrap(),
    );
    assert_abs_diff_eq!(3.0 * plain.value(), hot.value(), epsilon = 1e-4);
    let top1 = |temperature: Temperature| {
        let rows = logits.iter().zip(&actual);
        let rows = rows.map(|(row, &actual)| (temperature.apply(row), actual));
        CalibrationMetrics::of(&Forecasts::of(rows).unwrap(), TEN).accuracy
    };
    assert_abs_diff_eq!(top1(plain), top1(Temperature::ONE));
}

#[test]
fn a_network_without_errors_gets_the_lowest_temperature() {
    let temperature = fit(&[vec![1.0, 0.0], vec![0.0, 1.0]], &[0, 1]).unwrap();
    assert!(temperature.value() < 0.05, "{temperature:?}");
    // Cold softmaxes of far logits stay numbers.
    assert_eq!(temperature.apply(&[1e30, -1e30]), [1.0, 0.0]);
}

#[test]
fn a_temperature_needs_images_and_finite_logits() {
    let error = |logits: &[Vec<f32>], actual: &[usize]| fit(logits, actual).unwrap_err();
    assert_eq!(error(&[], &[]), MetricError::NoImages);
    assert_eq!(
        error(&[vec![0.0, 1.0]], &[]).to_string(),
        "true classes: found 0, expected 1, one for each image"
    );
    assert_eq!(
        error(&[vec![0.0, f32::INFINITY]], &[0]).to_string(),
        "the score of class 1 is inf, expected a finite number"
    );
}

#[test]
fn a_sigmoid_passes_through_its_softened_targets() {
    // Two values only: the curve goes through the mean target of each, 0.25 and 0.75 of which is softened.
    let values = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    let is_class = [true, false, false, false, true, true, true, false];
    let curve = Sigmoid::fit(&values, &is_class);
    let (high, low) = (5.0 / 6.0, 1.0 / 6.0);
    assert_abs_diff_eq!(curve.apply(0.0), (high + 3.0 * low) / 4.0, epsilon = 1e-9);
    assert_abs_diff_eq!(curve.apply(1.0), (3.0 * high + low) / 4.0, epsilon = 1e-9);
    assert!(curve.a < 0.0);
}

#[test]
fn a_sigmoid_of_one_value_or_one_class_is_constant() {
    let level = Sigmoid::fit(&[0.5; 4], &[true, false, false, false]);
    let target = (2.0 / 3.0 + 3.0 / 5.0) / 4.0;
    assert_abs_diff_eq!(level.apply(0.5), target, epsilon = 1e-6);
    let absent = Sigmoid::fit(&[0.1, 0.2, 0.9], &[false; 3]);
    assert_abs_diff_eq!(absent.apply(0.2), 0.2, epsilon = 1e-6);
    assert!(Sigmoid::fit(&[0.0, 1.0], &[false, true]).apply(1.0) < 1.0);
}

#[test]
fn violators_are_pooled() {
    let values = [0.1, 0.2, 0.2, 0.3, 0.6, 0.9];
    let is_class = [false, true, false, false, true, true];
    let curve = Isotonic::fit(&values, &is_class);
    // The two at 0.2 are half of the class, the one at 0.3 is not: together a third.
    let expected = vec![
        (0.1, 0.0),
        (0.2, 1.0 / 3.0),
        (0.3, 1.0 / 3.0),
        (0.6, 1.0),
        (0.9, 1.0),
    ];
    assert_eq!(Vec::from(curve.clone()), expected);
    assert_abs_diff_eq!(curve.apply(0.15), 1.0 / 6.0, epsilon = 1e-12);
    assert_abs_diff_eq!(curve.apply(0.25), 1.0 / 3.0, epsilon = 1e-12);
    // Level beyond the ends.
    assert_abs_diff_eq!(curve.apply(0.0), 0.0);
    assert_abs_diff_eq!(curve.apply(1.0), 1.0);
}

#[test]
fn a_rising_curve_needs_no_order_and_never_falls() {
    let value = |i: u32| f64::from((i * i * 31 + i * 7919) % 101) / 100.0;
    let values: Vec<f64> = (0..150).map(value).collect();
    let is_class: Vec<bool> = (0..150).map(|i| value(i) > value(i * 3 + 1)).collect();
    let curve = Isotonic::fit(&values, &is_class);
    let (backwards, truths): (Vec<f64>, Vec<bool>) = values
        .iter()
        .zip(&is_class)
        .rev()
        .map(|(v, t)| (*v, *t))
        .unzip();
    assert_eq!(curve, Isotonic::fit(&backwards, &truths));
    let levels: Vec<f64> = (0..=200)
        .map(|i| curve.apply(f64::from(i) / 200.0))
        .collect();
    assert!(levels.is_sorted());
    // The mean over the images is kept.
    let sum: f64 = values.iter().map(|&v| curve.apply(v)).sum();
    let n_class = is_class.iter().filter(|is_class| **is_class).count() as f64;
    assert_abs_diff_eq!(sum, n_class, epsilon = 1e-9);
}

#[test]
fn classes_are_normalized() {
    let rows = [(0.9, 0), (0.8, 0), (0.3, 1), (0.2, 1)];
    let forecasts = Forecasts::of(rows.map(|(p, code)| (vec![p, 1.0 - p], code))).unwrap();
    let isotonic = OneAgainstRest::<Isotonic>::fit(&forecasts);
    assert_eq!(isotonic.apply(&[0.85, 0.15]).unwrap(), [1.0, 0.0]);
    // Every curve is 0 here: all classes get the same.
    assert_eq!(isotonic.apply(&[0.1, 0.1]).unwrap(), [0.5, 0.5]);
    let platt = OneAgainstRest::<Sigmoid>::fit(&forecasts);
    let found = platt.apply(&[0.6, 0.4]).unwrap();
    assert_abs_diff_eq!(found.iter().sum::<f64>(), 1.0, epsilon = 1e-12);
    assert_eq!(
        platt.apply(&[1.0]).unwrap_err().to_string(),
        "an image has scores of 1 classes, expected 2"
    );
}

#[test]
fn calibrators_round_trip_through_json() {
    let forecasts = four();
    let calibrators = Calibrators {
        labels: vec!["a".to_owned(), "b".to_owned()],
        network: NetworkCalibrators {
            temperature: Temperature::try_from(1.5).unwrap(),
            unseen_classes: vec!["b".to_owned()],
        },
        forest: Some(ForestCalibrators {
            unseen_classes: Vec::new(),
            platt: OneAgainstRest::fit(&forecasts),
            isotonic: OneAgainstRest::fit(&forecasts),
        }),
    };
    let text = serde_json::to_string(&calibrators).unwrap();
    assert!(
        text.starts_with(
            r#"{"labels":["a","b"],"network":{"temperature":1.5,"unseen_classes":["b"]},"#
        ),
        "{text}"
    );
    let read: Calibrators = serde_json::from_str(&text).unwrap();
    let votes = [0.6, 0.4];
    let apply = |of: &Calibrators| of.forest.as_ref().unwrap().platt.apply(&votes).unwrap();
    assert_abs_diff_eq!(apply(&read)[..], apply(&calibrators)[..], epsilon = 1e-12);
    let error = |text: &str| {
        serde_json::from_str::<Isotonic>(text)
            .unwrap_err()
            .to_string()
    };
    assert!(error("[[0.5,0.5],[0.4,0.6]]").starts_with("the knots of an isotonic calibrator"));
    assert!(error("[]").starts_with("the knots"));
    let cold = serde_json::from_str::<Temperature>("0.0").unwrap_err();
    assert!(
        cold.to_string().starts_with("the temperature is 0,"),
        "{cold}"
    );
}

#[test]
fn a_class_without_images_to_fit_to_keeps_its_probability() {
    // None of the three is of the third class, to which the model gives a high probability in the last of them.
    let rows = [
        ([0.8, 0.1, 0.1], 0),
        ([0.3, 0.6, 0.1], 1),
        ([0.2, 0.2, 0.6], 1),
    ];
    let fitted = Forecasts::of(rows.map(|(row, actual)| (row.to_vec(), actual))).unwrap();
    let isotonic = OneAgainstRest::<Isotonic>::fit(&fitted);
    let platt = OneAgainstRest::<Sigmoid>::fit(&fitted);
    assert!(isotonic.curves()[2].is_none() && platt.curves()[2].is_none());
    // The first class's curve is 0, the second's 1, and the third's vote is 0.6.
    let calibrated = isotonic.apply(&[0.2, 0.2, 0.6]).unwrap();
    let second = isotonic.curves()[1].as_ref().unwrap().apply(0.2);
    assert_abs_diff_eq!(calibrated[2], 0.6 / (second + 0.6), epsilon = 1e-12);
    // A class that all images are of has no others to be separated from.
    let same = Forecasts::of([(vec![0.9, 0.1], 0), (vec![0.4, 0.6], 0)]).unwrap();
    let isotonic = OneAgainstRest::<Isotonic>::fit(&same);
    assert_eq!(isotonic.curves(), [None, None]);
    assert_eq!(isotonic.apply(&[0.4, 0.6]).unwrap(), [0.4, 0.6]);
    // The written JSON is read again.
    let text = serde_json::to_string(&platt).unwrap();
    assert_eq!(
        serde_json::from_str::<OneAgainstRest<Sigmoid>>(&text).unwrap(),
        platt
    );
}
