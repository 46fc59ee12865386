//! The history of a training.

use serde::{Deserialize, Serialize};
use table_history::{EpochSelection, History};
use table_timings::Timing;

/// The epochs of a training so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingHistory {
    /// A row per epoch; one of them is marked as the saved one.
    pub epochs: Vec<History>,
    /// A row per epoch.
    pub timings: Vec<Timing>,
}

impl TrainingHistory {
    /// Number of epochs.
    pub fn n_epochs(&self) -> usize {
        self.epochs.len()
    }

    /// The epoch whose model is saved.
    pub fn best(&self) -> Option<&History> {
        self.epochs.iter().find(|row| row.best)
    }

    /// Adds an epoch; it becomes the saved one if it is selected over those before: by the highest score, of equals by the
    /// lowest validation loss, of equals the earliest; or as the last.
    pub fn push(&mut self, mut row: History, timing: Timing, selection: EpochSelection) {
        let rank = |row: &History| (row.score, -row.validation_loss);
        row.best = match selection {
            EpochSelection::Best => self.best().is_none_or(|best| rank(&row) > rank(best)),
            EpochSelection::Last => true,
        };
        if row.best {
            self.epochs.iter_mut().for_each(|row| row.best = false);
        }
        self.epochs.push(row);
        self.timings.push(timing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(scores: &[f64], selection: EpochSelection) -> TrainingHistory {
        let epochs: Vec<(f64, f64)> = scores.iter().map(|&score| (score, 1.0 / 3.0)).collect();
        with_losses(&epochs, selection)
    }

    fn with_losses(epochs: &[(f64, f64)], selection: EpochSelection) -> TrainingHistory {
        let mut history = TrainingHistory::default();
        for (epoch, &(score, validation_loss)) in (0..).zip(epochs) {
            let row = History {
                fold: 0,
                epoch,
                learning_rate: 1e-4,
                train_loss: 0.1 + 0.2,
                validation_loss,
                test_loss: None,
                score,
                best: false,
            };
            let timing = Timing {
                fold: 0,
                epoch,
                train_s: 1.0,
                evaluate_s: 1.0,
            };
            history.push(row, timing, selection);
        }
        history
    }

    #[test]
    fn the_earliest_of_the_highest_scores_is_the_best() {
        let history = |scores: &[f64]| history(scores, EpochSelection::Best);
        assert_eq!(history(&[0.5, 0.7, 0.6, 0.7]).best().unwrap().epoch, 1);
        assert_eq!(history(&[0.0, 0.0]).best().unwrap().epoch, 0);
        let rows = history(&[0.5, 0.7, 0.8]).epochs;
        assert_eq!(rows.iter().filter(|row| row.best).count(), 1);
        assert!(history(&[]).best().is_none());
    }

    #[test]
    fn of_equal_scores_the_lower_loss_is_the_best() {
        let best = |epochs: &[(f64, f64)]| {
            let history = with_losses(epochs, EpochSelection::Best);
            history.best().unwrap().epoch
        };
        assert_eq!(best(&[(0.9, 0.5), (0.9, 0.4), (0.8, 0.1), (0.9, 0.4)]), 1);
        assert_eq!(best(&[(0.9, 0.4), (0.9, 0.5)]), 0);
    }

    #[test]
    fn the_last_epoch_is_saved_whatever_its_score() {
        let history = history(&[0.7, 0.9, 0.8], EpochSelection::Last);
        assert_eq!(history.best().unwrap().epoch, 2);
        assert_eq!(history.epochs.iter().filter(|row| row.best).count(), 1);
    }

    #[test]
    fn a_record_keeps_every_bit_of_a_loss() {
        let history = history(&[0.1, 1.0 / 7.0, 2.0 / 3.0], EpochSelection::Best);
        let text = serde_json::to_string(&history).unwrap();
        assert_eq!(
            serde_json::from_str::<TrainingHistory>(&text).unwrap(),
            history
        );
    }
}
