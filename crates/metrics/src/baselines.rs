//! Baselines that look at no image, and the mean of several networks.
//!
//! The two baselines are those of scikit-learn's `DummyClassifier`: `uniform`, as its expectation, and `prior`.

use numeric::{clamped_loss, log_sum_exp};

use crate::ScoredPrediction;

/// The `K` equally probable guesses of chance for an image of class `actual` of `n_classes`.
///
/// Each class is predicted once, and the true class has each rank once. Counts of the guesses of all images are `K` times
/// the expected counts of a uniform guess, so their scores are those of the expected counts: a class-weighted top-`k` is
/// `k / K`, the accuracy `1 / K`, the log-loss `ln K`.
pub fn chance(n_classes: usize, actual: usize) -> impl Iterator<Item = ScoredPrediction> {
    (0..n_classes).map(move |rank| ScoredPrediction {
        actual,
        predicted: (actual + rank) % n_classes,
        rank,
        loss: (n_classes as f64).ln(),
    })
}

/// Prediction of the largest class: the probabilities are the classes' `frequencies` `[K]` among the training images, the
/// predicted class is the most frequent, and ranks are those of falling frequency. Of equals the first class precedes, in
/// ranks, too, so that the predicted class has rank 0.
///
/// `actual` is below `K`.
pub fn largest_class(frequencies: &[f64], actual: usize) -> ScoredPrediction {
    let rank_of = |class: usize| {
        let precedes = |&other: &usize| {
            frequencies[other] > frequencies[class]
                || (other < class && frequencies[other] >= frequencies[class])
        };
        (0..frequencies.len()).filter(precedes).count()
    };
    let predicted = (0..frequencies.len()).find(|&class| rank_of(class) == 0);
    ScoredPrediction {
        actual,
        predicted: predicted.unwrap_or(actual),
        rank: rank_of(actual),
        loss: clamped_loss(-frequencies[actual].ln()),
    }
}

/// Logits `[K]` of an ensemble: logarithms of the mean of the networks' probabilities, which are the softmax of each row of
/// `networks` `[F, K]`. They are computed without the probabilities, so none rounds to 0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "logits have single precision"
)]
pub fn ensemble(networks: &[&[f32]]) -> Vec<f32> {
    let n_classes = networks.first().map_or(0, |logits| logits.len());
    let normalizers: Vec<f64> = networks
        .iter()
        .map(|logits| log_sum_exp(logits.iter().map(|&logit| f64::from(logit))))
        .collect();
    let n_networks = (networks.len() as f64).ln();
    let log_mean = |class: usize| {
        let terms = networks.iter().zip(&normalizers);
        log_sum_exp(terms.map(|(logits, normalizer)| f64::from(logits[class]) - normalizer))
            - n_networks
    };
    (0..n_classes).map(|class| log_mean(class) as f32).collect()
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use numeric::softmax;

    use super::*;
    use crate::{ConfusionCounts, Metric};

    /// Actual classes of 10 images: five of class 0, three of class 1, two of class 2.
    const ACTUAL: [usize; 10] = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2];

    #[test]
    fn chance_has_k_of_n_classes() {
        let guesses: Vec<ScoredPrediction> = ACTUAL.iter().flat_map(|&it| chance(3, it)).collect();
        let scores = ConfusionCounts::of(3, &guesses).scores();
        for (metric, score) in Metric::ALL.into_iter().zip(scores) {
            let expected = match metric {
                Metric::Accuracy | Metric::Recall | Metric::Top1 => 1.0 / 3.0,
                Metric::Top2 => 2.0 / 3.0,
                Metric::Top3 => 1.0,
                Metric::LogLoss => 3_f64.ln(),
                // A third of the predictions of a class is right for a third of its images: precision is its share.
                Metric::Precision => 0.25 + 0.09 + 0.04,
                Metric::F1 | Metric::F1Macro => continue,
            };
            assert_abs_diff_eq!(score, expected, epsilon = 1e-12);
        }
    }

    #[test]
    fn the_largest_class_is_predicted_with_its_frequency() {
        let scored = |actual| largest_class(&[0.3, 0.5, 0.2], actual);
        assert_eq!([0, 1, 2].map(|it| scored(it).predicted), [1; 3]);
        assert_eq!([0, 1, 2].map(|it| scored(it).rank), [1, 0, 2]);
        assert_abs_diff_eq!(scored(2).loss, -(0.2_f64.ln()), epsilon = 1e-12);
        // Of equals the first precedes.
        let tied = |actual| largest_class(&[0.25, 0.375, 0.375], actual);
        assert_eq!([0, 1, 2].map(|it| tied(it).predicted), [1; 3]);
        assert_eq!([0, 1, 2].map(|it| tied(it).rank), [2, 0, 1]);
    }

    #[test]
    fn an_ensemble_has_the_mean_of_the_probabilities() {
        let networks: [&[f32]; 2] = [&[2.0, 0.0, -1.0], &[0.0, 3.0, 300.0]];
        let found = softmax(&ensemble(&networks), 1.0);
        let [a, b] = networks.map(|logits| softmax(logits, 1.0));
        for ((found, a), b) in found.iter().zip(a).zip(b) {
            assert_abs_diff_eq!(*found, f64::midpoint(a, b), epsilon = 1e-6);
        }
        // One network keeps its order where probabilities would round to 0.
        let alone = ensemble(&[&[2000.0, 0.0, 500.0]]);
        assert_eq!(ScoredPrediction::of_logits(&alone, 1).unwrap().rank, 2);
        assert_eq!(ScoredPrediction::of_logits(&alone, 2).unwrap().rank, 1);
    }
}
