//! Counts of scored predictions, and the scores computed from them.

use crate::metric::{Scores, TOP};
use crate::{ScoredPrediction, weighted_counts::WeightedCounts};

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
    pub fn of<'a>(
        n_classes: usize,
        predictions: impl IntoIterator<Item = &'a ScoredPrediction>,
    ) -> Self {
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
