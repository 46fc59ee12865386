use approx::assert_abs_diff_eq;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

fn prediction(logits: &[f32], actual: usize) -> ScoredPrediction {
    ScoredPrediction::of_logits(logits, actual).unwrap()
}

#[test]
fn a_scored_prediction_has_the_rank_and_loss_of_the_true_class() {
    let sure = prediction(&[2.0, 0.0, 1.0], 2);
    assert_eq!((sure.predicted, sure.rank), (0, 1));
    let [a, b, c] = [2_f64, 0.0, 1.0].map(f64::exp);
    assert_abs_diff_eq!(sure.loss, -(c / (a + b + c)).ln(), epsilon = 1e-12);
    // Of equals the first is predicted, and the last ranks first.
    let tie = [1.0, 1.0, 1.0];
    let ranks = [0, 1, 2].map(|actual| prediction(&tie, actual).rank);
    assert_eq!((prediction(&tie, 1).predicted, ranks), (0, [2, 1, 0]));
    // Far logits don't overflow.
    assert_abs_diff_eq!(prediction(&[1e30, 0.0], 0).loss, 0.0, epsilon = 1e-12);
}

#[test]
fn probabilities_are_clamped() {
    let none = ScoredPrediction::of_probabilities(&[1.0, 0.0], 1).unwrap();
    assert_abs_diff_eq!(none.loss, -f64::EPSILON.ln(), epsilon = 1e-12);
    // So are those of logits.
    assert_eq!(prediction(&[1e4, 0.0], 1), none);
    assert!(prediction(&[30.0, 0.0], 1).loss < none.loss);
    let half = ScoredPrediction::of_probabilities(&[0.5, 0.5], 1).unwrap();
    assert_abs_diff_eq!(half.loss, 2_f64.ln(), epsilon = 1e-12);
}

#[test]
fn bad_predictions_are_errors() {
    let error = |logits: &[f32], actual| {
        ScoredPrediction::of_logits(logits, actual)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[], 0),
        "a prediction has no scores; expected one for each class"
    );
    assert_eq!(
        error(&[1.0], 1),
        "the true class has index 1, but the prediction has 1 scores"
    );
    assert_eq!(
        error(&[0.0, f32::NAN], 0),
        "the score of class 1 is NaN, expected a finite number"
    );
}

#[test]
fn scores_of_confusion_counts_by_hand() {
    // Class 0: three right, one predicted as 1. Class 1: one, predicted as 0 with its own class second. Class 2 is
    // absent.
    let mut counts = ConfusionCounts::new(3);
    counts.add(&prediction(&[2.0, 1.0, 0.0], 0), 3);
    counts.add(&prediction(&[0.0, 2.0, 1.0], 0), 1);
    counts.add(&prediction(&[2.0, 1.0, 0.0], 1), 1);
    let [
        accuracy,
        precision,
        recall,
        f1,
        f1_macro,
        top1,
        top2,
        top3,
        _,
    ] = counts.scores();
    let close = |found: f64, expected: f64| assert_abs_diff_eq!(found, expected, epsilon = 1e-12);
    close(accuracy, 0.6);
    close(precision, 0.75 * 0.8);
    close(recall, 0.6);
    close(f1, 0.75 * 0.8);
    close(f1_macro, 0.375);
    close(top1, (0.75 + 0.0) / 2.0);
    close(top2, (0.75 + 1.0) / 2.0);
    close(top3, 1.0);
    close(counts.plain_top(2), 0.8);
    assert_eq!((counts.count(0, 1), counts.total()), (1, 5));
    assert_eq!(counts.report()[2].support, 0);
    assert!(
        ConfusionCounts::new(3)
            .scores()
            .iter()
            .all(|score| score.abs() < 1e-12)
    );
}

#[test]
fn renaming_classes_changes_no_score() {
    let logits = |i: usize| {
        [i % 3, (i * 7) % 5, (i * 3) % 4]
            .map(|l| u8::try_from(l).unwrap())
            .map(f32::from)
    };
    let original = (0..60).map(|i| prediction(&logits(i).map(|l| l + 0.01 * l * l), i % 3));
    let original: Vec<ScoredPrediction> = original.collect();
    let renamed = original.iter().map(|prediction| ScoredPrediction {
        actual: (prediction.actual + 1) % 3,
        predicted: (prediction.predicted + 1) % 3,
        ..*prediction
    });
    let renamed: Vec<ScoredPrediction> = renamed.collect();
    let scores = ConfusionCounts::of(3, &original)
        .scores()
        .into_iter()
        .zip(ConfusionCounts::of(3, &renamed).scores());
    for (a, b) in scores {
        assert_abs_diff_eq!(a, b, epsilon = 1e-12);
    }
}

fn rng_of(replicate: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(replicate)
}

/// 200 images, every second one predicted correctly.
fn coins() -> Vec<ScoredPrediction> {
    (0..200).map(|i| prediction(&[1.0, 0.0], i % 2)).collect()
}

#[test]
fn an_interval_contains_the_score() {
    let predictions = coins();
    let units: Vec<usize> = (0..200).collect();
    let found = intervals(2, &predictions, &units, 2_000, rng_of)
        .unwrap()
        .unwrap();
    // The accuracy is binomial: 0.5 ± 1.96 √(0.25 / 200).
    let half_width = 1.96 * (0.25_f64 / 200.0).sqrt();
    assert_abs_diff_eq!(found[0].low, 0.5 - half_width, epsilon = 0.01);
    assert_abs_diff_eq!(found[0].high, 0.5 + half_width, epsilon = 0.01);
}

#[test]
fn resampling_authors_widens_an_interval() {
    let predictions = coins();
    let width = |units: Vec<usize>| {
        let found = intervals(2, &predictions, &units, 500, rng_of)
            .unwrap()
            .unwrap();
        found[0].high - found[0].low
    };
    let alone = width((0..200).collect());
    // Ten authors whose images are all right, ten whose are all wrong.
    let authors = width((0..200).map(|i| i % 2 + 2 * (i / 20)).collect());
    assert!(authors > 2.0 * alone, "{authors} against {alone}");
}

#[test]
fn an_interval_is_the_same_for_any_number_of_threads() {
    let predictions = coins();
    let units: Vec<usize> = (0..200).map(|i| i / 7).collect();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| intervals(2, &predictions, &units, 100, rng_of).unwrap())
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn one_author_has_no_interval() {
    let predictions = coins();
    assert_eq!(
        intervals(2, &predictions, &[0; 200], 100, rng_of).unwrap(),
        None
    );
    assert_eq!(intervals(2, &[], &[], 100, rng_of).unwrap(), None);
    let one_each: Vec<usize> = (0..200).collect();
    assert_eq!(
        intervals(2, &predictions, &one_each, 0, rng_of).unwrap(),
        None
    );
    let short = intervals(2, &predictions, &[0], 100, rng_of).unwrap_err();
    assert_eq!(
        short.to_string(),
        "units: found 1, expected 200, one for each image"
    );
}

/// Results of 60 images of three classes by 20 authors, of whom `wrong` images are not right.
fn results(wrong: &[usize]) -> (Vec<ScoredPrediction>, Vec<usize>) {
    let image = |i: usize| ScoredPrediction {
        actual: i % 3,
        predicted: (i + usize::from(wrong.contains(&i))) % 3,
        rank: usize::from(wrong.contains(&i)),
        loss: if wrong.contains(&i) { 2.0 } else { 0.1 },
    };
    (
        (0..60).map(image).collect(),
        (0..60).map(|i| i / 3).collect(),
    )
}

fn difference(a: &[usize], b: &[usize]) -> [Difference; Metric::ALL.len()] {
    let ((a, units), (b, _)) = (results(a), results(b));
    let sample = |predictions| Sample {
        predictions,
        units: &units,
    };
    let found = differences(3, [sample(&a), sample(&b)], Pairing::Images, 200, rng_of);
    found.unwrap().unwrap()
}

#[test]
fn no_interval_of_a_metric_is_a_point() {
    for wrong in [vec![], vec![4], (0..60).collect()] {
        let (predictions, units) = results(&wrong);
        let found = intervals(3, &predictions, &units, 200, rng_of);
        let values = ConfusionCounts::of(3, &predictions).scores();
        for ((metric, interval), value) in
            Metric::ALL.iter().zip(found.unwrap().unwrap()).zip(values)
        {
            let Interval { low, high } = interval;
            assert!(low < high, "{metric:?}: {low} to {high}");
            assert!((low..=high).contains(&value), "{metric:?}: {value}");
        }
    }
    // 60 authors within classes, all right.
    let (predictions, units) = results(&[]);
    let found = intervals(3, &predictions, &units, 200, rng_of)
        .unwrap()
        .unwrap();
    assert_abs_diff_eq!(found[0].low, 0.025_f64.powf(1.0 / 60.0), epsilon = 1e-12);
    assert_abs_diff_eq!(found[0].high, 1.0);
}

#[test]
fn equal_results_differ_by_exactly_0_within_the_bound_of_their_authors() {
    let found = difference(&[4, 17], &[4, 17]);
    let bound = 1.0 - 0.025_f64.powf(1.0 / 60.0);
    for (metric, difference) in Metric::ALL.iter().zip(found) {
        assert!(difference.value.to_bits() == 0, "{metric:?}");
        assert!(difference.low < 0.0 && difference.high > 0.0, "{metric:?}");
        assert!(!difference.excludes_zero(), "{metric:?}");
    }
    assert_abs_diff_eq!(found[0].low, -bound, epsilon = 1e-12);
    assert_abs_diff_eq!(found[0].high, bound, epsilon = 1e-12);
}

#[test]
fn a_difference_of_many_images_is_significant_and_of_one_is_not() {
    let many: Vec<usize> = (0..60).filter(|i| i % 4 == 0).collect();
    let found = difference(&[], &many);
    assert!(found.iter().zip(Metric::ALL).all(|(difference, metric)| {
        difference.excludes_zero() || matches!(metric, Metric::Top2 | Metric::Top3)
    }));
    assert!(!difference(&[], &[5])[0].excludes_zero());
    // The other way around all is negated.
    for (a, b) in found.iter().zip(difference(&many, &[])) {
        assert_abs_diff_eq!(a.value, -b.value, epsilon = 1e-12);
        assert_abs_diff_eq!(a.low, -b.high, epsilon = 1e-9);
        assert_abs_diff_eq!(a.high, -b.low, epsilon = 1e-9);
    }
}

#[test]
fn samples_of_other_images_share_their_authors() {
    let ((a, units), (b, _)) = (results(&[0, 1, 2, 3, 4, 5]), results(&[0, 1, 2]));
    let all = |predictions| Sample {
        predictions,
        units: &units,
    };
    let without_last = Sample {
        predictions: &b[..57],
        units: &units[..57],
    };
    let found = differences(3, [all(&a), without_last], Pairing::Authors, 200, rng_of)
        .unwrap()
        .unwrap();
    assert_abs_diff_eq!(found[0].value, 54.0 / 60.0 - 54.0 / 57.0, epsilon = 1e-12);
    assert!(found[0].low < found[0].value && found[0].value < found[0].high);
    // Other authors: nothing in common, and a wider interval.
    let others: Vec<usize> = units.iter().map(|unit| unit + 100).collect();
    let apart = Sample {
        predictions: &b,
        units: &others,
    };
    let apart = differences(3, [all(&a), apart], Pairing::Authors, 200, rng_of)
        .unwrap()
        .unwrap();
    let paired = differences(3, [all(&a), all(&b)], Pairing::Images, 200, rng_of)
        .unwrap()
        .unwrap();
    assert!(apart[0].high - apart[0].low > paired[0].high - paired[0].low);
    // Samples that are paired by image are checked.
    for (other, message) in [
        (
            without_last,
            "samples of the same images have 60 and 57 images, and differ in class or author from image 57 on",
        ),
        (
            Sample {
                units: &others,
                ..all(&b)
            },
            "samples of the same images have 60 and 60 images, and differ in class or author from image 0 on",
        ),
    ] {
        let refused = differences(3, [all(&a), other], Pairing::Images, 200, rng_of);
        assert_eq!(refused.unwrap_err().to_string(), message);
    }
}

#[test]
fn classes_of_a_single_author_are_counted() {
    let (predictions, units) = results(&[4]);
    assert_eq!(single_unit_classes(&predictions, &units), Ok(0));
    // Class 0 has one author.
    let units: Vec<usize> = (0..60)
        .map(|i| if i % 3 == 0 { 100 } else { i / 3 })
        .collect();
    assert_eq!(single_unit_classes(&predictions, &units), Ok(1));
    assert!(
        intervals(3, &predictions, &units, 100, rng_of)
            .unwrap()
            .is_some()
    );
    let short = single_unit_classes(&predictions, &[0]).unwrap_err();
    assert_eq!(
        short.to_string(),
        "units: found 1, expected 60, one for each image"
    );
}
