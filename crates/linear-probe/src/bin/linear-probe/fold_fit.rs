//! A classifier fitted in a fold: its scores, and its predictions for images that it was not fitted to.

use forest::{SelectionScore, log_loss};
use numeric::{argmax, top_k_accuracy};
use tables::Subset;

use crate::backbone::Backbone;
use crate::classifier::{Classifier, FittedClassifier};
use crate::fold_split::FoldSplit;

/// Class-weighted scores: top-1 and top-2, as far as there are more classes.
const TOP: [(usize, &str); 2] = [(1, "top1"), (2, "top2")];

/// A classifier fitted to the training images of a fold.
pub(crate) struct FoldFit<'a> {
    pub(crate) classifier: &'a Classifier,
    /// The fold left out.
    pub(crate) fold: u32,
    /// Metrics of each subset.
    pub(crate) metrics: Vec<(Subset, &'static str, f64)>,
    /// Score on the validation images.
    pub(crate) score: SelectionScore,
    /// `[N][K]`, of the fold's validation images.
    pub(crate) validation: Vec<Vec<f32>>,
    /// `[N][K]`, of the test images.
    pub(crate) test: Vec<Vec<f32>>,
}

impl<'a> FoldFit<'a> {
    /// Scores `fitted`, the `classifier` of `fold`, on the features of `backbone`.
    pub(crate) fn of(
        fitted: &FittedClassifier,
        classifier: &'a Classifier,
        fold: u32,
        backbone: &Backbone,
        split: &FoldSplit,
    ) -> anyhow::Result<Self> {
        let mut metrics = Vec::new();
        let mut in_subset = |subset| {
            let images = split.images(subset, fold);
            let labels = split.labels(&images);
            let probabilities = fitted.probabilities(&backbone.rows(&images))?;
            if !images.is_empty() {
                let found = scores(&probabilities, &labels, split.n_classes());
                metrics.extend(found.into_iter().map(|(name, value)| (subset, name, value)));
            }
            anyhow::Ok((probabilities, labels))
        };
        in_subset(Subset::Train)?;
        let (validation, labels) = in_subset(Subset::Validation)?;
        let (test, _) = in_subset(Subset::Test)?;
        Ok(Self {
            classifier,
            fold,
            metrics,
            score: SelectionScore::of(&validation, &labels, split.n_classes()),
            validation: single(validation),
            test: single(test),
        })
    }
}

/// Metrics of `probabilities` `[N][K]` for the true classes `labels`.
fn scores(
    probabilities: &[Vec<f64>],
    labels: &[usize],
    n_classes: usize,
) -> Vec<(&'static str, f64)> {
    let rows = || {
        let rows = probabilities.iter().map(Vec::as_slice);
        rows.zip(labels.iter().copied())
    };
    let n_right = rows()
        .filter(|(row, label)| argmax(row) == Some(*label))
        .count();
    let mut scores = vec![
        ("accuracy", n_right as f64 / labels.len().max(1) as f64),
        ("log_loss", log_loss(probabilities, labels)),
    ];
    // Top-k of `k` classes is always right.
    let top = TOP.into_iter().filter(|(k, _)| *k < n_classes);
    scores.extend(top.map(|(k, name)| (name, top_k_accuracy(rows(), n_classes, k))));
    scores
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the table holds probabilities in single precision"
)]
fn single(probabilities: Vec<Vec<f64>>) -> Vec<Vec<f32>> {
    let row = |row: Vec<f64>| row.into_iter().map(|probability| probability as f32);
    let rows = probabilities.into_iter();
    rows.map(|probabilities| row(probabilities).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn metrics_by_hand() {
        let probabilities = [
            vec![0.5, 0.25, 0.25],
            vec![0.5, 0.25, 0.25],
            vec![0.25, 0.5, 0.25],
            vec![0.25, 0.25, 0.5],
        ];
        let found = scores(&probabilities, &[0, 0, 0, 2], 3);
        let value = |name| found.iter().find(|(other, _)| *other == name).unwrap().1;
        assert_abs_diff_eq!(value("accuracy"), 0.75);
        // Of class 0 two in three, of class 2 all.
        assert_abs_diff_eq!(value("top1"), (2.0 / 3.0 + 1.0) / 2.0, epsilon = 1e-15);
        let log_loss = (3.0 * 2.0_f64.ln() + 4.0_f64.ln()) / 4.0;
        assert_abs_diff_eq!(value("log_loss"), log_loss, epsilon = 1e-15);
        // Of two classes there is no top-2.
        let of_two = scores(&[vec![0.5, 0.5]], &[0], 2);
        let names: Vec<&str> = of_two.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["accuracy", "log_loss", "top1"]);
    }
}
