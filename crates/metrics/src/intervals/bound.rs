//! Intervals of one sample's metrics, by the variation between its authors.

use super::{
    design::Design, distributions::clopper_pearson, influence::influences, interval::Interval,
    sample::Sample,
};
use crate::{Metric, ScoredPrediction};

/// Forms of intervals.
pub(super) enum Kind {
    /// Share of hits, or mean of the classes' shares.
    Share(fn(&ScoredPrediction) -> bool),
    /// Ratio of counts, from 0 to 1.
    Ratio,
    /// Mean loss.
    Loss,
}

impl Kind {
    pub(super) fn of(metric: Metric) -> Self {
        match metric {
            Metric::Accuracy | Metric::Recall => {
                Self::Share(|image| image.predicted == image.actual)
            }
            Metric::Top1 => Self::Share(|image| image.rank < 1),
            Metric::Top2 => Self::Share(|image| image.rank < 2),
            Metric::Top3 => Self::Share(|image| image.rank < 3),
            Metric::Precision | Metric::F1 | Metric::F1Macro => Self::Ratio,
            Metric::LogLoss => Self::Loss,
        }
    }
}

/// Returns whether the metric weighs classes equally, not images.
pub(super) fn is_by_class(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::Top1 | Metric::Top2 | Metric::Top3 | Metric::F1Macro
    )
}

/// Interval of a metric that is a share.
pub(super) fn share(
    design: &Design,
    sample: &Sample<'_>,
    metric: Metric,
    is_hit: impl Fn(&ScoredPrediction) -> bool,
    t: f64,
) -> Interval {
    let hits = sample.predictions.iter().map(is_hit);
    Share::of(design, sample, is_by_class(metric), hits).interval(design, t)
}

/// A share of images with a property, with the images' contributions.
pub(super) struct Share {
    pub(super) value: f64,
    /// `[N]`, which sum to `value`.
    contributions: Vec<f64>,
    /// Numbers of images and of units that the share is worth.
    effective: (f64, f64),
    /// Variance of an image of the whole share by that of the classes' shares, at most 1: below 1 where a class that
    /// weighs much has many errors.
    evenness: f64,
}

impl Share {
    /// The share of `hits` `[N]`, in which images or, `by_class`, classes have equal weights.
    pub(super) fn of(
        design: &Design,
        sample: &Sample<'_>,
        by_class: bool,
        hits: impl Iterator<Item = bool>,
    ) -> Self {
        let weights = design.weights(by_class);
        let contributions: Vec<f64> = { sample.predictions.iter().zip(hits) }
            .map(|(image, is_hit)| if is_hit { weights[&image.actual] } else { 0.0 })
            .collect();
        // Sums of reciprocals may exceed 1 by a rounding.
        let value = contributions.iter().sum::<f64>().min(1.0);
        let effective = design.effective_numbers(&weights);
        // The sum of the squared weights is the reciprocal of the effective number of images.
        let centered = design.centered(&contributions).into_iter();
        let by_class = centered.map(|rest| rest * rest).sum::<f64>() * effective.0;
        let whole = value * (1.0 - value);
        Self {
            value,
            contributions,
            effective,
            evenness: if by_class > whole {
                whole / by_class
            } else {
                1.0
            },
        }
    }

    /// Its interval.
    pub(super) fn interval(&self, design: &Design, t: f64) -> Interval {
        let (images, units) = self.effective;
        if !design.varies(&self.contributions) {
            return without_variation(self.value, units);
        }
        let correlation = design.spread(&self.centered(design)).correlation;
        let n = 1.0 / (1.0 / images + correlation * (1.0 / units - 1.0 / images));
        wilson(self.value, n * self.evenness, t)
    }

    /// Contributions less the mean of their class.
    pub(super) fn centered(&self, design: &Design) -> Vec<f64> {
        design.centered(&self.contributions)
    }
}

/// Interval of a ratio of counts.
pub(super) fn ratio(
    design: &Design,
    sample: &Sample<'_>,
    n_classes: usize,
    (metric, value): (Metric, f64),
    t: f64,
) -> Interval {
    let influences = influences(metric, n_classes, sample.predictions);
    let variance = design.spread(&design.centered(&influences)).variance;
    if !design.varies(&influences) || variance <= 0.0 {
        let (_, units) = design.effective_numbers(&design.weights(is_by_class(metric)));
        return without_variation(value, units);
    }
    wilson(value, value * (1.0 - value) / variance, t)
}

/// Interval of the mean loss `value`: the solutions `μ` of `(value − μ)² = t² V μ / value`, in which the variance is in
/// proportion to the mean, as that of counts of errors. It is at least as wide as the interval of the share of errors
/// times the excess loss of an error, since a sample with few errors shows too little of their variation.
pub(super) fn loss(
    design: &Design,
    sample: &Sample<'_>,
    n_classes: usize,
    value: f64,
    t: f64,
) -> Interval {
    let influences = influences(Metric::LogLoss, n_classes, sample.predictions);
    let variance = design.spread(&design.centered(&influences)).variance;
    let half = if value > 0.0 {
        t * t * variance / value / 2.0
    } else {
        0.0
    };
    let reach = (2.0 * half * value + half * half).sqrt();
    let wrong = sample
        .predictions
        .iter()
        .map(|image| image.predicted != image.actual);
    let errors = Share::of(design, sample, false, wrong);
    let Interval { low, high } = errors.interval(design, t);
    let excess = excess_loss(sample.predictions, n_classes);
    Interval {
        low: (value + half - reach)
            .min(value - (errors.value - low) * excess)
            .max(0.0),
        high: (value + half + reach).max(value + (high - errors.value) * excess),
    }
}

/// Mean loss of wrong images less that of right ones, in nats. If that is not above 0, or there are none of either, the
/// loss of a guess among `n_classes`.
pub(super) fn excess_loss(predictions: &[ScoredPrediction], n_classes: usize) -> f64 {
    let guess = (n_classes.max(2) as f64).ln();
    let mean = |is_right: bool| {
        let losses = predictions
            .iter()
            .filter(|image| (image.predicted == image.actual) == is_right);
        let (sum, n) = losses.fold((0.0, 0.0), |(sum, n), image| (sum + image.loss, n + 1.0));
        (n > 0.0).then(|| sum / n)
    };
    let excess = mean(false)
        .zip(mean(true))
        .map(|(wrong, right)| wrong - right);
    excess.filter(|excess| *excess > 0.0).unwrap_or(guess)
}

/// Interval of a share of which no class has both outcomes: whether authors differ is unknown, so each counts once.
fn without_variation(value: f64, units: f64) -> Interval {
    // A sum of weights may miss the ends by a rounding.
    let end = value.round();
    let value = if (value - end).abs() < 1e-12 {
        end
    } else {
        value
    };
    let (low, high) = clopper_pearson(value, units);
    Interval { low, high }
}

/// Wilson's (1927) interval of a share among `n`, with the quantile `t` in place of the normal one.
pub(super) fn wilson(share: f64, n: f64, t: f64) -> Interval {
    let squared = t * t / n;
    let center = share + squared / 2.0;
    let half_width = (share * (1.0 - share) * squared + squared * squared / 4.0).sqrt();
    Interval {
        low: ((center - half_width) / (1.0 + squared)).max(0.0),
        high: ((center + half_width) / (1.0 + squared)).min(1.0),
    }
}
