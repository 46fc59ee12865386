//! Cross-validation of trainings that have epochs.
//!
//! The epoch in which a fold scores best is a maximum over noisy values, and the selected fold's score is one over folds
//! as well: both overrate the network (Varma and Simon 2006, "Bias in error estimation when using cross-validation for
//! model selection"; Cawley and Talbot 2010). [`fold_epochs`] selects the epoch of each fold without the fold's own
//! images, so that its score there has no part in the selection. [`optimism`] is the size of what is avoided.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use table_history::{EpochSelection, History};

use crate::{Metric, MetricError, Scores};

/// Selection of the epochs that cross-validated metrics are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectedBy {
    /// The validation images of the other folds.
    OtherFolds,
    /// The validation images that are scored: optimistic.
    OwnFold,
    /// Nothing: the last epoch is scored, or there are none.
    Nothing,
}

impl SelectedBy {
    /// Name, as in the column `selected_by` of the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::OtherFolds => "other folds",
            Self::OwnFold => "own fold",
            Self::Nothing => "nothing",
        }
    }
}

/// Epochs of a fold's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldEpochs {
    /// The fold left out.
    pub fold: u32,
    /// Epoch that cross-validation scores.
    pub scored: u32,
    /// Epoch of the saved model, which the fold's own images selected.
    pub own: u32,
}

/// Mean score and mean loss of an epoch.
struct EpochMeans {
    epoch: u32,
    score: f64,
    loss: f64,
}

/// Epochs of each fold of `histories`, in the order of the folds.
///
/// The scored epoch of a fold has the highest mean `score` of the other folds; of equal means, the lower mean
/// `validation_loss` of the others, then the earlier epoch. A single fold has no others: its own epoch is scored. Where
/// `selection` keeps the last epochs, these are scored.
///
/// # Errors
/// There is no history, a fold has no best epoch, or the folds have different epochs.
pub fn fold_epochs(
    histories: &[History],
    selection: EpochSelection,
) -> Result<Vec<FoldEpochs>, MetricError> {
    let mut folds: BTreeMap<u32, Vec<&History>> = BTreeMap::new();
    for row in histories {
        folds.entry(row.fold).or_default().push(row);
    }
    check_epochs(&folds)?;
    let epochs = folds.iter().map(|(&fold, rows)| {
        let best = rows.iter().find(|row| row.best);
        let own = best.ok_or(MetricError::NoBestEpoch(fold))?.epoch;
        let others: Vec<&Vec<&History>> = folds
            .iter()
            .filter_map(|(&other, rows)| (other != fold).then_some(rows))
            .collect();
        let scored = match selection {
            EpochSelection::Best => epoch_of(&others).unwrap_or(own),
            EpochSelection::Last => own,
        };
        Ok(FoldEpochs { fold, scored, own })
    });
    epochs.collect()
}

/// How [`FoldEpochs::scored`] of `n_folds` folds is selected.
pub fn selected_by(n_folds: usize, selection: EpochSelection) -> SelectedBy {
    match selection {
        EpochSelection::Best if n_folds > 1 => SelectedBy::OtherFolds,
        EpochSelection::Best => SelectedBy::OwnFold,
        EpochSelection::Last => SelectedBy::Nothing,
    }
}

/// Checks that there are folds and that all have the same epochs.
fn check_epochs(folds: &BTreeMap<u32, Vec<&History>>) -> Result<(), MetricError> {
    let (&first, expected) = folds.first_key_value().ok_or(MetricError::NoHistory)?;
    let epochs = |rows: &[&History]| -> Vec<u32> { rows.iter().map(|row| row.epoch).collect() };
    for (&fold, rows) in folds {
        if epochs(rows) != epochs(expected) {
            return Err(MetricError::Epochs {
                fold,
                found: rows.len(),
                first,
                expected: expected.len(),
            });
        }
    }
    Ok(())
}

/// Epoch of the highest mean score over `folds`, of equals of the lowest mean loss, then the earliest; none without folds.
fn epoch_of(folds: &[&Vec<&History>]) -> Option<u32> {
    let n_epochs = folds.first()?.len();
    let epochs = (0..n_epochs).map(|at| {
        let rows = folds.iter().map(|rows| rows[at]);
        EpochMeans {
            epoch: folds[0][at].epoch,
            score: mean(rows.clone().map(|row| row.score)),
            loss: mean(rows.map(|row| row.validation_loss)),
        }
    });
    epochs
        .min_by(|a, b| {
            let scores = compare(b.score, a.score);
            let losses = compare(a.loss, b.loss);
            scores.then(losses).then(a.epoch.cmp(&b.epoch))
        })
        .map(|means| means.epoch)
}

/// Order of two means. Equal values in another order can have sums that differ in the last digit, so means are compared
/// by nine decimal places.
fn compare(a: f64, b: f64) -> Ordering {
    let rounded = |mean: f64| (mean * 1e9).round();
    rounded(a).total_cmp(&rounded(b))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0_u32), |(sum, n), value| (sum + value, n + 1));
    sum / f64::from(n.max(1))
}

/// Mean of the folds' `values` and their standard deviation with divisor `n − 1`; `None` with fewer than two.
pub fn mean_and_sd(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let mean = mean(values.iter().copied());
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((mean, (squares / (values.len() - 1) as f64).sqrt()))
}

/// Optimism of the selected network's metric on its validation images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimism {
    /// Part of the selection of the epoch: mean over the folds of the value in the fold's own epoch, less that in the scored
    /// epoch.
    pub epoch: f64,
    /// Part of the selection of the fold: the selected fold's value less the mean of the folds, all in their own epochs.
    pub fold: f64,
}

impl Optimism {
    /// The selected network's value less the mean of the folds in their scored epochs.
    pub fn total(self) -> f64 {
        self.epoch + self.fold
    }
}

/// Optimism of each of [`Metric::ALL`], where `own` and `scored` have the scores of each fold in its own and in its scored
/// epoch, and `selected` is the selected fold's place among them. `None` with fewer than two folds: no other fold shows
/// what the selection of the epoch adds.
///
/// # Errors
/// `own` and `scored` differ in length, or `selected` is not below it.
pub fn optimism(
    own: &[Scores],
    scored: &[Scores],
    selected: usize,
) -> Result<Option<[Optimism; Metric::ALL.len()]>, MetricError> {
    if own.len() != scored.len() {
        return Err(MetricError::Folds {
            found: scored.len(),
            expected: own.len(),
        });
    }
    let selected = own.get(selected).ok_or(MetricError::Folds {
        found: selected + 1,
        expected: own.len(),
    })?;
    if own.len() < 2 {
        return Ok(None);
    }
    let of = |folds: &[Scores], metric: usize| mean(folds.iter().map(|scores| scores[metric]));
    Ok(Some(std::array::from_fn(|metric| Optimism {
        epoch: of(own, metric) - of(scored, metric),
        fold: selected[metric] - of(own, metric),
    })))
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    /// Histories of folds, each with `(score, loss)` by epoch; the best epoch is that of the highest score, then the first.
    fn histories(folds: &[&[(f64, f64)]]) -> Vec<History> {
        let mut rows = Vec::new();
        for (fold, epochs) in (0..).zip(folds) {
            let best = (0..epochs.len())
                .rev()
                .max_by(|&a, &b| epochs[a].0.total_cmp(&epochs[b].0));
            for (at, &(score, validation_loss)) in epochs.iter().enumerate() {
                rows.push(History {
                    fold,
                    epoch: u32::try_from(at).unwrap(),
                    learning_rate: 1e-4,
                    train_loss: 1.0,
                    validation_loss,
                    test_loss: None,
                    score,
                    best: Some(at) == best,
                });
            }
        }
        rows
    }

    fn epochs(folds: &[&[(f64, f64)]]) -> Vec<(u32, u32)> {
        let epochs = fold_epochs(&histories(folds), EpochSelection::Best).unwrap();
        epochs.iter().map(|fold| (fold.scored, fold.own)).collect()
    }

    #[test]
    fn a_fold_has_no_part_in_the_selection_of_its_epoch() {
        // Fold 0 is best in epoch 0, the others in epoch 2; fold 0 alone would make epoch 0 the best of the other two.
        let found = epochs(&[
            &[(0.99, 1.0), (0.5, 1.0), (0.5, 1.0)],
            &[(0.6, 1.0), (0.7, 1.0), (0.8, 1.0)],
            &[(0.6, 1.0), (0.7, 1.0), (0.9, 1.0)],
        ]);
        assert_eq!(found, [(2, 0), (0, 2), (0, 2)]);
    }

    #[test]
    fn of_equal_means_the_lower_loss_then_the_earlier_epoch_is_scored() {
        let any: &[(f64, f64)] = &[(0.1, 1.0); 3];
        // 0.1 + 0.2 + 0.3 differs from 0.3 + 0.2 + 0.1 in the last digit.
        let others: [&[(f64, f64)]; 3] = [
            &[(0.1, 0.5), (0.3, 0.5), (0.0, 0.1)],
            &[(0.2, 0.5), (0.2, 0.4), (0.0, 0.1)],
            &[(0.3, 0.5), (0.1, 0.5), (0.0, 0.1)],
        ];
        assert_eq!(epochs(&[any, others[0], others[1], others[2]])[0].0, 1);
        let equal: &[(f64, f64)] = &[(0.5, 0.3), (0.6, 0.3), (0.6, 0.3)];
        assert_eq!(epochs(&[any, equal, equal])[0].0, 1);
    }

    #[test]
    fn the_order_of_the_folds_changes_nothing() {
        let folds: [&[(f64, f64)]; 3] = [
            &[(0.5, 2.0), (0.7, 1.0), (0.7, 0.5)],
            &[(0.6, 2.0), (0.8, 0.2), (0.8, 0.3)],
            &[(0.9, 0.1), (0.8, 0.2), (0.7, 0.3)],
        ];
        let mut turned = epochs(&[folds[2], folds[0], folds[1]]);
        turned.rotate_left(1);
        assert_eq!(epochs(&folds), turned);
    }

    #[test]
    fn a_single_fold_is_scored_in_its_own_epoch() {
        assert_eq!(epochs(&[&[(0.5, 1.0), (0.7, 1.0), (0.6, 1.0)]]), [(1, 1)]);
        assert_eq!(selected_by(1, EpochSelection::Best), SelectedBy::OwnFold);
        assert_eq!(selected_by(2, EpochSelection::Best), SelectedBy::OtherFolds);
    }

    #[test]
    fn last_epochs_are_scored_where_they_are_kept() {
        let epochs: &[(f64, f64)] = &[(0.5, 1.0), (0.7, 1.0), (0.6, 1.0)];
        let mut rows = histories(&[epochs, epochs]);
        for row in &mut rows {
            row.best = row.epoch == 2;
        }
        for fold in fold_epochs(&rows, EpochSelection::Last).unwrap() {
            assert_eq!((fold.scored, fold.own), (2, 2));
        }
        for n_folds in [1, 2] {
            assert_eq!(
                selected_by(n_folds, EpochSelection::Last),
                SelectedBy::Nothing
            );
        }
    }

    #[test]
    fn histories_that_cannot_be_compared_are_errors() {
        let error = |rows: &[History]| {
            fold_epochs(rows, EpochSelection::Best)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error(&[]),
            "no fold has a training history, expected one of each fold"
        );
        let rows = histories(&[&[(0.5, 1.0), (0.6, 1.0)], &[(0.5, 1.0)]]);
        assert_eq!(
            error(&rows),
            "fold 1 was trained for 1 epochs and fold 0 for 2, expected the same epochs of all folds: run stage `train` for \
             all folds with one `train.epochs`"
        );
        let mut rows = histories(&[&[(0.5, 1.0)], &[(0.5, 1.0)]]);
        rows[1].best = false;
        assert_eq!(error(&rows), "no epoch of fold 1 is the best");
    }

    #[test]
    fn optimism_by_hand() {
        let scores = |value| [value; Metric::ALL.len()];
        // Own epochs: 0.9, 0.8, 0.7; without the fold: 0.8, 0.8, 0.6. Fold 0 is selected.
        let own = [0.9, 0.8, 0.7].map(scores);
        let scored = [0.8, 0.8, 0.6].map(scores);
        let found = optimism(&own, &scored, 0).unwrap().unwrap()[0];
        assert_abs_diff_eq!(found.epoch, 0.8 - 2.2 / 3.0, epsilon = 1e-12);
        assert_abs_diff_eq!(found.fold, 0.1, epsilon = 1e-12);
        assert_abs_diff_eq!(found.total(), 0.9 - 2.2 / 3.0, epsilon = 1e-12);
        assert_eq!(optimism(&own[..1], &scored[..1], 0).unwrap(), None);
        let short = optimism(&own, &scored[..2], 0).unwrap_err();
        assert_eq!(
            short.to_string(),
            "found the scores of 2 folds, expected those of 3"
        );
        assert!(optimism(&own, &scored, 3).is_err());
    }

    #[test]
    fn the_standard_deviation_is_that_of_a_sample() {
        let (mean, sd) = mean_and_sd(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_abs_diff_eq!(mean, 2.5);
        assert_abs_diff_eq!(sd, (5.0_f64 / 3.0).sqrt(), epsilon = 1e-12);
        assert_eq!(mean_and_sd(&[1.0]), None);
    }
}
