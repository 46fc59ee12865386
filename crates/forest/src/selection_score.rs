//! Score by which classifiers are selected.

use std::cmp::Ordering;

use numeric::{clamped_loss, top_k_accuracy};
use serde::{Deserialize, Serialize};

/// Score of class probabilities, by which classifiers are selected. On few images the top-`k` accuracy takes few values and
/// ties are frequent: the log-loss breaks them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelectionScore {
    /// Class-weighted top-`k` accuracy, in `[0, 1]`; for `k` see [`SelectionScore::k`].
    pub top_k: f64,
    /// Mean of `−ln p` of the true class, in nats.
    pub log_loss: f64,
}

impl SelectionScore {
    /// `k` of the top-`k` accuracy for `n_classes`: 2, or 1 for two classes, of which top-2 is always right.
    #[must_use]
    pub fn k(n_classes: usize) -> usize {
        if n_classes > 2 { 2 } else { 1 }
    }

    /// Scores `probabilities` `[N][K]` for the true classes `labels` `[N]`, each below `K`. Both values are 0 without rows.
    #[must_use]
    pub fn of(probabilities: &[Vec<f64>], labels: &[usize], n_classes: usize) -> Self {
        let rows = probabilities.iter().map(Vec::as_slice);
        let rows = rows.zip(labels.iter().copied());
        Self {
            top_k: top_k_accuracy(rows, n_classes, Self::k(n_classes)),
            log_loss: log_loss(probabilities, labels),
        }
    }

    /// Mean of both values; 0 for no scores.
    #[must_use]
    pub fn mean(scores: &[Self]) -> Self {
        let mean = |value: fn(&Self) -> f64| {
            scores.iter().map(value).sum::<f64>() / scores.len().max(1) as f64
        };
        Self {
            top_k: mean(|score| score.top_k),
            log_loss: mean(|score| score.log_loss),
        }
    }

    /// Compares by the top-`k` accuracy, to twelve digits, of equals by the log-loss: the better score is the greater.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        // Means of the same shares in another order can differ in the last bits.
        let digits = |score: &Self| (score.top_k * 1e12).round();
        let by_top_k = digits(self).total_cmp(&digits(other));
        by_top_k.then(other.log_loss.total_cmp(&self.log_loss))
    }
}

/// Mean of `−ln p` of the true class over the rows of `probabilities` `[N][K]`, in nats, each by [`clamped_loss`]; 0
/// without rows.
#[must_use]
pub fn log_loss(probabilities: &[Vec<f64>], labels: &[usize]) -> f64 {
    let rows = probabilities.iter().zip(labels);
    let losses = rows.map(|(row, &label)| clamped_loss(-row[label].ln()));
    losses.sum::<f64>() / probabilities.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn scores_by_hand() {
        let probabilities = [vec![0.5, 0.25, 0.25], vec![0.2, 0.8, 0.0]];
        let found = SelectionScore::of(&probabilities, &[0, 2], 3);
        assert_abs_diff_eq!(found.top_k, 0.5);
        let expected = (2.0_f64.ln() - f64::EPSILON.ln()) / 2.0;
        assert_abs_diff_eq!(found.log_loss, expected, epsilon = 1e-12);
        // Of two classes the first guess alone counts.
        let found = SelectionScore::of(&[vec![0.4, 0.6], vec![0.4, 0.6]], &[0, 1], 2);
        assert_abs_diff_eq!(found.top_k, 0.5);
        assert_abs_diff_eq!(log_loss(&[], &[]), 0.0);
    }

    #[test]
    fn the_log_loss_breaks_ties() {
        let score = |top_k, log_loss| SelectionScore { top_k, log_loss };
        assert!(score(0.9, 2.0).compare(&score(0.8, 1.0)).is_gt());
        assert!(score(0.9, 1.0).compare(&score(0.9, 2.0)).is_gt());
        assert!(score(0.9, 1.0).compare(&score(0.9, 1.0)).is_eq());
        // The same shares in another order.
        let [a, b] = [[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]].map(|shares| {
            let scores = shares.map(|share| score(share, 1.0));
            SelectionScore::mean(&scores)
        });
        assert!(a.top_k.total_cmp(&b.top_k).is_ne());
        assert!(a.compare(&b).is_eq());
    }
}
