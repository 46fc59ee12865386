//! Selection of the fold whose model the later stages use.

use numeric::median_high;
use serde::{Deserialize, Serialize};
use table_history::History;
use table_selection::Selection;

use crate::InferenceError;

/// Rule of the selection, by the score of each fold's best epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// The fold of the highest score.
    Best,
    /// The fold of the median score; of an even number of folds, the lower of the middle two.
    Median,
}

impl Rule {
    /// Name in tables and parameters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Median => "median",
        }
    }
}

/// Selects a fold among those of `histories`. Of equal scores the lower validation loss comes first, then the lower fold.
///
/// # Errors
/// No history has a best epoch.
pub fn select_fold(histories: &[History], rule: Rule) -> Result<Selection, InferenceError> {
    let best: Vec<&History> = histories.iter().filter(|row| row.best).collect();
    let falling = |a: &&History, b: &&History| {
        let scores = b.score.total_cmp(&a.score);
        let losses = a.validation_loss.total_cmp(&b.validation_loss);
        scores.then(losses).then(a.fold.cmp(&b.fold))
    };
    let row = match rule {
        Rule::Best => best.into_iter().min_by(falling),
        Rule::Median => median_high(&best, falling),
    };
    let row = row.ok_or(InferenceError::NoBestEpoch)?;
    Ok(Selection {
        rule: rule.name().to_owned(),
        fold: row.fold,
        epoch: row.epoch,
        score: row.score,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fold: u32, epoch: u32, score: f64, best: bool) -> History {
        History {
            fold,
            epoch,
            learning_rate: 1e-4,
            train_loss: 1.0,
            validation_loss: 1.0,
            test_loss: None,
            score,
            best,
        }
    }

    fn selected(rule: Rule, scores: &[f64]) -> (u32, u32) {
        let folds: Vec<(f64, f64)> = scores.iter().map(|&score| (score, 1.0)).collect();
        selected_of(rule, &folds)
    }

    /// Fold and epoch selected among folds of these scores and losses.
    fn selected_of(rule: Rule, folds: &[(f64, f64)]) -> (u32, u32) {
        let rows: Vec<History> = (0..)
            .zip(folds)
            // An epoch that is not the best of its fold is not selected.
            .flat_map(|(fold, &(score, validation_loss))| {
                let best = History {
                    validation_loss,
                    ..row(fold, 7, score, true)
                };
                [row(fold, 0, 0.0, false), best]
            })
            .collect();
        let selection = select_fold(&rows, rule).unwrap();
        assert_eq!(selection.rule, rule.name());
        (selection.fold, selection.epoch)
    }

    #[test]
    fn best_is_the_highest_and_the_first_of_equals() {
        assert_eq!(selected(Rule::Best, &[0.7, 0.9, 0.8]), (1, 7));
        assert_eq!(selected(Rule::Best, &[0.7, 0.9, 0.9]), (1, 7));
    }

    #[test]
    fn median_is_the_middle_or_the_lower_of_two() {
        assert_eq!(selected(Rule::Median, &[0.7, 0.9, 0.8]), (2, 7));
        assert_eq!(selected(Rule::Median, &[0.7, 0.9, 0.8, 0.6]), (0, 7));
        assert_eq!(selected(Rule::Median, &[0.7]), (0, 7));
    }

    #[test]
    fn of_equal_scores_the_lower_loss_comes_first() {
        let folds = [(0.9, 0.5), (0.9, 0.3), (0.9, 0.4), (0.7, 0.1)];
        assert_eq!(selected_of(Rule::Best, &folds), (1, 7));
        // In falling order: 1, 2, 0, 3.
        assert_eq!(selected_of(Rule::Median, &folds), (0, 7));
        assert_eq!(selected_of(Rule::Median, &folds[..3]), (2, 7));
    }

    #[test]
    fn selection_without_histories_is_an_error() {
        assert!(matches!(
            select_fold(&[], Rule::Best),
            Err(InferenceError::NoBestEpoch)
        ));
    }
}
