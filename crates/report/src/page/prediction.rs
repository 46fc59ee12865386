//! Predictions: their outcomes, the guesses that are shown of them, and their number.

use numeric::{Classes, rank, ranking};
use table_predictions::Prediction;
use tables::Subset;

use crate::ReportError;

/// Number of guesses shown of a prediction.
const N_GUESSES: usize = 3;

/// Rank of the true class. Numbers seed the draw of the examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// The true class is the first guess.
    First = 0,
    /// It is the second guess of three or more classes.
    Second = 1,
    /// It is a later guess.
    Wrong = 2,
}

impl Outcome {
    /// All outcomes, best first.
    pub(crate) const ALL: [Self; 3] = [Self::First, Self::Second, Self::Wrong];

    /// The outcome for an image whose true class has the index `class`: of two classes, the second guess is wrong.
    pub(crate) fn of(logits: &[f32], class: usize) -> Self {
        match rank(logits, class) {
            0 => Self::First,
            1 if logits.len() > 2 => Self::Second,
            _ => Self::Wrong,
        }
    }
}

/// Number of images of `subset`.
pub(crate) fn n_images(predictions: &[Prediction], subset: Subset) -> usize {
    let rows = predictions.iter();
    rows.filter(|row| row.subset == subset).count()
}

/// Index of the true class of a prediction, whose scores must be of the classes `labels`.
///
/// # Errors
/// The prediction has another number of scores, or a class that is not in `labels`.
pub(crate) fn true_class(prediction: &Prediction, labels: &Classes) -> Result<usize, ReportError> {
    if prediction.probabilities.len() != labels.len() || prediction.logits.len() != labels.len() {
        return Err(ReportError::Classes {
            path: prediction.path.clone(),
            found: prediction.probabilities.len(),
            expected: labels.len(),
        });
    }
    let class = labels.index(&prediction.label);
    class.ok_or_else(|| unknown(prediction))
}

/// The error for a prediction whose image or class is not in the annotations.
pub(crate) fn unknown(prediction: &Prediction) -> ReportError {
    ReportError::UnknownImage {
        path: prediction.path.clone(),
        table: "predictions",
    }
}

/// The classes of the highest probabilities, highest first, in the order of the ranks: of equal probabilities the last
/// by name comes first.
pub(crate) fn guesses<'a>(labels: &'a Classes, probabilities: &[f32]) -> Vec<(&'a str, f32)> {
    let classes = ranking(probabilities).into_iter().take(N_GUESSES);
    let guess = |class: usize| (labels.names()[class].as_str(), probabilities[class]);
    classes.map(guess).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_guess_of_two_is_wrong() {
        let two = [0.1, 0.9];
        assert_eq!(
            [1, 0].map(|class| Outcome::of(&two, class)),
            [Outcome::First, Outcome::Wrong]
        );
        let three = [0.1, 0.7, 0.2];
        assert_eq!(
            [1, 2, 0].map(|class| Outcome::of(&three, class)),
            Outcome::ALL
        );
    }

    #[test]
    fn guesses_are_sorted_and_of_equals_the_last_comes_first() {
        let classes = Classes::of(["a", "b", "c", "d"]);
        let guesses = guesses(&classes, &[0.1, 0.4, 0.1, 0.4]);
        assert_eq!(guesses, [("d", 0.4), ("b", 0.4), ("c", 0.1)]);
    }
}
