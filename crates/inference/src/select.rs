//! Which fold's model a study goes on with.

use numeric::median_high;
use serde::{Deserialize, Serialize};
use table_history::History;
use table_selection::Selection;

use crate::InferenceError;

/// How the fold is chosen. Each fold stands for its best epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// The fold of the highest score.
    Best,
    /// The fold of the median score; of an even number of folds, the lower of the middle two.
    Median,
}

impl Rule {
    /// As tables and parameters spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Median => "median",
        }
    }
}

/// Chooses among the folds of `histories`. Of equal scores the lower fold goes first.
///
/// # Errors
/// There is no best epoch to choose.
pub fn choose(histories: &[History], rule: Rule) -> Result<Selection, InferenceError> {
    let best: Vec<&History> = histories.iter().filter(|row| row.best).collect();
    let falling =
        |a: &&History, b: &&History| b.score.total_cmp(&a.score).then(a.fold.cmp(&b.fold));
    let row = match rule {
        Rule::Best => best.into_iter().min_by(falling),
        Rule::Median => median_high(&best, falling),
    };
    let row = row.ok_or(InferenceError::NothingToChoose)?;
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

    fn chosen(rule: Rule, scores: &[f64]) -> (u32, u32) {
        let rows: Vec<History> = (0..)
            .zip(scores)
            // An epoch that is not its fold's best is not chosen, whatever its number.
            .flat_map(|(fold, &score)| [row(fold, 0, 0.0, false), row(fold, 7, score, true)])
            .collect();
        let choice = choose(&rows, rule).unwrap();
        assert_eq!(choice.rule, rule.name());
        (choice.fold, choice.epoch)
    }

    #[test]
    fn best_is_the_highest_and_the_first_of_equals() {
        assert_eq!(chosen(Rule::Best, &[0.7, 0.9, 0.8]), (1, 7));
        assert_eq!(chosen(Rule::Best, &[0.7, 0.9, 0.9]), (1, 7));
    }

    #[test]
    fn median_is_the_middle_or_the_lower_of_two() {
        assert_eq!(chosen(Rule::Median, &[0.7, 0.9, 0.8]), (2, 7));
        assert_eq!(chosen(Rule::Median, &[0.7, 0.9, 0.8, 0.6]), (0, 7));
        assert_eq!(chosen(Rule::Median, &[0.7]), (0, 7));
    }

    #[test]
    fn nothing_cannot_be_chosen_from() {
        assert!(matches!(
            choose(&[], Rule::Best),
            Err(InferenceError::NothingToChoose)
        ));
    }
}
