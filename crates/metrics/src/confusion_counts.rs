//! Counts of scored predictions, and the scores computed from them.

use crate::{ScoredPrediction, weighted_counts::WeightedCounts};

/// A score of a model on a subset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Share of images whose class is predicted.
    Accuracy,
    /// Mean of the classes' precisions, weighted by support.
    Precision,
    /// Mean of the classes' recalls, weighted by support; equal to the accuracy.
    Recall,
    /// Mean of the classes' F1, weighted by support.
    F1,
    /// Plain mean of F1 over the classes that occur, as true or as predicted.
    F1Macro,
    /// Mean over the classes that occur of the share of their images whose class has the highest score.
    Top1,
    /// The same for the two highest.
    Top2,
    /// The same for the three highest.
    Top3,
    /// Mean of `−ln p` of the true class, in nats; lower is better.
    LogLoss,
}

/// A value for each of [`Metric::ALL`].
pub type Scores = [f64; Metric::ALL.len()];

impl Metric {
    /// All, in the order of [`Scores`].
    pub const ALL: [Self; 9] = [
        Self::Accuracy,
        Self::Precision,
        Self::Recall,
        Self::F1,
        Self::F1Macro,
        Self::Top1,
        Self::Top2,
        Self::Top3,
        Self::LogLoss,
    ];

    /// Returns whether the score can differ between models for `n_classes`: a top-`k` of as many guesses as classes is
    /// always 1.
    pub fn is_informative(self, n_classes: usize) -> bool {
        match self {
            Self::Top2 => n_classes > 2,
            Self::Top3 => n_classes > 3,
            _ => true,
        }
    }

    /// Name, as in the column `metric` of the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "f1",
            Self::F1Macro => "f1_macro",
            Self::Top1 => "top1",
            Self::Top2 => "top2",
            Self::Top3 => "top3",
            Self::LogLoss => "log_loss",
        }
    }
}

/// The largest `k` of the top-`k` scores.
pub(crate) const TOP: usize = 3;

/// Counts of scored predictions by true class, predicted class and rank, with the sum of the losses.
#[derive(Clone, Debug)]
pub struct ConfusionCounts {
    n_classes: usize,
    /// `[K, K]`: true class by predicted class.
    confusion: Vec<u64>,
    /// `[K, TOP]`: images of the class with this rank.
    ranks: Vec<[u64; TOP]>,
    loss: f64,
}

/// Metrics of a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassMetrics {
    /// Share of the images predicted as the class that are of it; 0 when there are none (`zero_division=0`).
    pub precision: f64,
    /// Share of the class's images that are predicted as it; 0 when it has none.
    pub recall: f64,
    /// `2 tp / (2 tp + fp + fn)`, the harmonic mean of the two; 0 when the class doesn't occur.
    pub f1: f64,
    /// Number of the class's images.
    pub support: u64,
    /// Number of images predicted as the class.
    pub predicted: u64,
}

impl ConfusionCounts {
    /// Counts of `n_classes`, all 0.
    pub fn new(n_classes: usize) -> Self {
        Self {
            n_classes,
            confusion: vec![0; n_classes * n_classes],
            ranks: vec![[0; TOP]; n_classes],
            loss: 0.0,
        }
    }

    /// Counts every prediction once. Their classes are below `n_classes`.
    pub fn of(n_classes: usize, predictions: &[ScoredPrediction]) -> Self {
        let mut counts = Self::new(n_classes);
        for prediction in predictions {
            counts.add(prediction, 1);
        }
        counts
    }

    /// Counts a prediction `times` times. Its classes are below `n_classes`.
    pub fn add(&mut self, prediction: &ScoredPrediction, times: u64) {
        self.confusion[prediction.actual * self.n_classes + prediction.predicted] += times;
        if let Some(count) = self.ranks[prediction.actual].get_mut(prediction.rank) {
            *count += times;
        }
        self.loss += prediction.loss * times as f64;
    }

    /// Number of images counted.
    pub fn total(&self) -> u64 {
        self.confusion.iter().sum()
    }

    /// Number of images of class `actual` that are predicted as class `predicted`.
    pub fn count(&self, actual: usize, predicted: usize) -> u64 {
        self.confusion[actual * self.n_classes + predicted]
    }

    /// Metrics of each class, `[K]`.
    pub fn report(&self) -> Vec<ClassMetrics> {
        let classes = 0..self.n_classes;
        let metrics = |class| {
            let right = self.count(class, class);
            let support: u64 = classes
                .clone()
                .map(|predicted| self.count(class, predicted))
                .sum();
            let predicted: u64 = classes
                .clone()
                .map(|actual| self.count(actual, class))
                .sum();
            ClassMetrics {
                precision: ratio(right, predicted),
                recall: ratio(right, support),
                f1: ratio(2 * right, support + predicted),
                support,
                predicted,
            }
        };
        classes.clone().map(metrics).collect()
    }

    /// All scores; 0 where nothing is counted.
    ///
    /// The averages are scikit-learn's `precision_recall_fscore_support` with `average="weighted"` (and `"macro"`) and
    /// `zero_division=0`; a class-weighted top-`k` is its `top_k_accuracy_score` with the weight of an image the
    /// reciprocal of its class's number of images here, which is the mean of the classes' shares.
    pub fn scores(&self) -> Scores {
        WeightedCounts::from_counts(self.n_classes, &self.confusion, &self.ranks, self.loss)
            .scores()
    }

    /// The scores less those of `other`; exactly 0 where they differ by the rounding of sums alone.
    pub fn scores_less(&self, other: &Self) -> Scores {
        subtract(self.scores(), other.scores())
    }

    /// Share of the images whose class is among the `k` of the highest scores, `k` from 1 to 3; every image counts
    /// the same.
    pub fn plain_top(&self, k: usize) -> f64 {
        let ranks = self.ranks.iter().flat_map(|ranks| &ranks[..k]);
        ratio(ranks.sum(), self.total())
    }
}

/// `part / whole`, 0 for nothing of nothing.
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// The first scores less the second, 0 for a relative difference of a rounding.
pub(crate) fn subtract(a: Scores, b: Scores) -> Scores {
    std::array::from_fn(|metric| {
        let (a, b) = (a[metric], b[metric]);
        let is_rounding = (a - b).abs() <= 1e-12 * a.abs().max(b.abs());
        if is_rounding { 0.0 } else { a - b }
    })
}
