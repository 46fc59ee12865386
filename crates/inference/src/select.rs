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

/// Selects a fold among those of `histories`. Of equal scores the lower fold comes first.
///
/// # Errors
/// No history has a best epoch.
pub fn select_fold(histories: &[History], rule: Rule) -> Result<Selection, InferenceError> {
    let best: Vec<&History> = histories.iter().filter(|row| row.best).collect();
    let falling =
        |a: &&History, b: &&History| b.score.total_cmp(&a.score).then(a.fold.cmp(&b.fold));
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
        let rows: Vec<History> = (0..)
            .zip(scores)
            // An epoch that is not the best of its fold is not selected.
            .flat_map(|(fold, &score)| [row(fold, 0, 0.0, false), row(fold, 7, score, true)])
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
    fn selection_without_histories_is_an_error() {
        assert!(matches!(
            select_fold(&[], Rule::Best),
            Err(InferenceError::NoBestEpoch)
        ));
    }
}
