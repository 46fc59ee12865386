//! Counts of scored predictions with weights, and the scores computed from them.

use crate::ScoredPrediction;
use crate::metric::{Metric, TOP};

/// [`crate::ConfusionCounts`] in which an image may count a part of once, or more.
#[derive(Clone, Debug)]
pub(crate) struct WeightedCounts {
    n_classes: usize,
    /// `[K, K]`: true class by predicted class.
    confusion: Vec<f64>,
    /// `[K, TOP]`: images of the class with this rank.
    ranks: Vec<[f64; TOP]>,
    loss: f64,
}

/// True positives, support and number of predictions of a class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClassCounts {
    pub(crate) right: f64,
    pub(crate) support: f64,
    pub(crate) predicted: f64,
}

impl WeightedCounts {
    /// Counts of `n_classes`, all 0.
    pub(crate) fn new(n_classes: usize) -> Self {
        Self {
            n_classes,
            confusion: vec![0.0; n_classes * n_classes],
            ranks: vec![[0.0; TOP]; n_classes],
            loss: 0.0,
        }
    }

    /// Counts as given: `confusion` `[K, K]`, `ranks` `[K, TOP]`, and the sum of the losses.
    pub(crate) fn from_counts(
        n_classes: usize,
        confusion: &[u64],
        ranks: &[[u64; TOP]],
        loss: f64,
    ) -> Self {
        Self {
            n_classes,
            confusion: confusion.iter().map(|&n| n as f64).collect(),
            ranks: ranks.iter().map(|ranks| ranks.map(|n| n as f64)).collect(),
            loss,
        }
    }

    /// Counts a prediction with a weight. Its classes are below `K`.
    pub(crate) fn add(&mut self, prediction: &ScoredPrediction, weight: f64) {
        self.confusion[prediction.actual * self.n_classes + prediction.predicted] += weight;
        if let Some(count) = self.ranks[prediction.actual].get_mut(prediction.rank) {
            *count += weight;
        }
        self.loss += prediction.loss * weight;
    }

    /// Counts of each class, `[K]`.
    pub(crate) fn classes(&self) -> Vec<ClassCounts> {
        let classes = 0..self.n_classes;
        let count =
            |actual: usize, predicted: usize| self.confusion[actual * self.n_classes + predicted];
        { classes.clone() }
            .map(|class| ClassCounts {
                right: count(class, class),
                support: classes
                    .clone()
                    .map(|predicted| count(class, predicted))
                    .sum(),
                predicted: classes.clone().map(|actual| count(actual, class)).sum(),
            })
            .collect()
    }

    /// All scores; 0 where nothing is counted.
    pub(crate) fn scores(&self) -> [f64; Metric::ALL.len()] {
        let classes = self.classes();
        let total: f64 = classes.iter().map(|class| class.support).sum();
        let weighted = |metric: fn(&ClassCounts) -> f64| {
            let sum: f64 = classes.iter().map(|c| metric(c) * c.support).sum();
            ratio(sum, total)
        };
        let occurring = classes.iter().filter(|c| c.support + c.predicted > 0.0);
        let top = |k: usize| {
            let shares = classes
                .iter()
                .zip(&self.ranks)
                .filter(|(class, _)| class.support > 0.0);
            mean(shares.map(|(class, ranks)| ranks[..k].iter().sum::<f64>() / class.support))
        };
        Metric::ALL.map(|metric| match metric {
            Metric::Accuracy => ratio(classes.iter().map(|class| class.right).sum(), total),
            Metric::Precision => weighted(ClassCounts::precision),
            Metric::Recall => weighted(ClassCounts::recall),
            Metric::F1 => weighted(ClassCounts::f1),
            Metric::F1Macro => mean(occurring.clone().map(ClassCounts::f1)),
            Metric::Top1 => top(1),
            Metric::Top2 => top(2),
            Metric::Top3 => top(3),
            Metric::LogLoss => ratio(self.loss, total),
        })
    }
}

impl ClassCounts {
    pub(crate) fn precision(&self) -> f64 {
        ratio(self.right, self.predicted)
    }

    pub(crate) fn recall(&self) -> f64 {
        ratio(self.right, self.support)
    }

    pub(crate) fn f1(&self) -> f64 {
        ratio(2.0 * self.right, self.support + self.predicted)
    }
}

/// `part / whole`, 0 for nothing of nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0_u32), |(sum, n), value| (sum + value, n + 1));
    sum / f64::from(n.max(1))
}
