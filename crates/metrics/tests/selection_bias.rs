//! Bias of cross-validated scores and of the selected network's, over many simulated studies whose truth is known.
//!
//! A network of a fold in an epoch is right for each image with a known probability, independently of all others, so that
//! the mean of a study's reported score less that probability, over many studies, is the bias of the report.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use metrics::cross_validation::{FoldEpochs, fold_epochs, optimism};
use metrics::{ConfusionCounts, Metric, ScoredPrediction, Scores};
use rand::Rng;
use random::Seed;
use table_history::{EpochSelection, History};

const STUDIES: u64 = 400;
const FOLDS: u32 = 4;
const EPOCHS: u32 = 9;
/// Images of a fold.
const IMAGES: usize = 76;
const K: usize = 2;
/// Place of the accuracy in [`Scores`].
const ACCURACY: usize = 0;

/// Reported and true accuracies of a study.
#[derive(Default)]
struct Study {
    /// Best fold, best epoch, on the fold's own images.
    selected: f64,
    selected_truth: f64,
    /// All folds' images, each fold in the epoch that the others select.
    cross_validated: f64,
    cross_validated_truth: f64,
    /// As table `optimism` has it.
    optimism: f64,
}

/// A study in which the networks of epoch `e` are right with probability `truth(e)`.
fn study(number: u64, truth: fn(u32) -> f64) -> Study {
    let mut rng = Seed::new(1).stream("simulated study").at(number, 0);
    let places = (0..FOLDS).flat_map(|fold| (0..EPOCHS).map(move |epoch| (fold, epoch)));
    let mut histories = Vec::new();
    let mut predictions = Vec::new();
    for (fold, epoch) in places {
        let of_epoch: Vec<ScoredPrediction> = (0..IMAGES)
            .map(|image| prediction(image % K, rng.random_bool(truth(epoch))))
            .collect();
        histories.push(History {
            fold,
            epoch,
            learning_rate: 1e-4,
            train_loss: 1.0,
            validation_loss: rng.random(),
            test_loss: None,
            score: scores(&of_epoch)[ACCURACY],
            best: false,
        });
        predictions.push(of_epoch);
    }
    for fold in histories.chunks_mut(EPOCHS as usize) {
        let best = fold.iter_mut().max_by(|a, b| {
            let losses = b.validation_loss.total_cmp(&a.validation_loss);
            a.score.total_cmp(&b.score).then(losses)
        });
        best.unwrap().best = true;
    }
    let epochs = fold_epochs(&histories, EpochSelection::Best).unwrap();
    let at = |fold: u32, epoch: u32| &predictions[(fold * EPOCHS + epoch) as usize];
    let of_folds = |epoch: fn(&FoldEpochs) -> u32| -> Vec<Scores> {
        let folds = epochs.iter().map(|row| scores(at(row.fold, epoch(row))));
        folds.collect()
    };
    let (own, scored) = (of_folds(|row| row.own), of_folds(|row| row.scored));
    let best = (0..own.len()).max_by(|&a, &b| own[a][ACCURACY].total_cmp(&own[b][ACCURACY]));
    let best = best.unwrap();
    let pooled = epochs.iter().flat_map(|row| at(row.fold, row.scored));
    let pooled: Vec<ScoredPrediction> = pooled.copied().collect();
    let truths = epochs.iter().map(|row| truth(row.scored));
    Study {
        selected: own[best][ACCURACY],
        selected_truth: truth(epochs[best].own),
        cross_validated: scores(&pooled)[ACCURACY],
        cross_validated_truth: truths.sum::<f64>() / f64::from(FOLDS),
        optimism: optimism(&own, &scored, best).unwrap().unwrap()[ACCURACY].total(),
    }
}

fn prediction(actual: usize, is_right: bool) -> ScoredPrediction {
    ScoredPrediction {
        actual,
        predicted: if is_right { actual } else { 1 - actual },
        rank: usize::from(!is_right),
        loss: 1.0,
    }
}

fn scores(predictions: &[ScoredPrediction]) -> Scores {
    assert_eq!(Metric::ALL[ACCURACY], Metric::Accuracy);
    ConfusionCounts::of(K, predictions).scores()
}

/// Means over the studies: bias of the selected network's score, bias of the cross-validated one, stated optimism.
fn biases(truth: fn(u32) -> f64) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for number in 0..STUDIES {
        let study = study(number, truth);
        sums[0] += study.selected - study.selected_truth;
        sums[1] += study.cross_validated - study.cross_validated_truth;
        sums[2] += study.optimism;
    }
    sums.map(|sum| sum / STUDIES as f64)
}

#[test]
fn the_selected_networks_score_is_optimistic_and_the_cross_validated_one_is_not() {
    // All networks are equally good. The maximum of 36 shares of 76 images lies two standard deviations above the truth:
    // 2.1 √(0.85 · 0.15 / 76) = 0.086.
    let [selected, cross_validated, stated] = biases(|_| 0.85);
    assert!((0.07..0.10).contains(&selected), "{selected}");
    assert!(cross_validated.abs() < 0.01, "{cross_validated}");
    assert!((stated - selected).abs() < 0.01, "{stated} of {selected}");
}

#[test]
fn the_cross_validated_score_is_that_of_its_networks_while_they_learn() {
    // Rising to 0.9 and falling again: epochs differ, and which of them are scored depends on chance.
    let [selected, cross_validated, _] = biases(|epoch| 0.9 - 0.02 * f64::from(epoch.abs_diff(5)));
    assert!((0.03..0.10).contains(&selected), "{selected}");
    assert!(cross_validated.abs() < 0.01, "{cross_validated}");
}
