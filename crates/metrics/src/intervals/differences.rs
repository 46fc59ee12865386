//! Differences of two samples' metrics.

use rand_chacha::ChaCha8Rng;

use super::{
    bound::{self, Kind, Share},
    design::Design,
    distributions, influence,
    interval::Interval,
    resampling,
    sample::{Pairing, Sample},
};
use crate::{ConfusionCounts, Metric, MetricError, ScoredPrediction, confusion_counts::subtract};

/// A difference of two metrics with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The first sample's value less the second's; exactly 0 for equal values.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Difference {
    /// Returns whether the interval is all above 0 or all below: whether the difference is significant.
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// Differences of each of [`Metric::ALL`] between `a` and `b`, with intervals that account for what the two share by
/// `pairing`: images, or authors alone. Authors vary within classes, as in [`super::intervals()`].
///
/// Of shares, the interval combines those of two shares by their distances from the values (MOVER: Zou and Donner 2008;
/// Newcombe 1998, method 10): for the same images, of the share that only `a` has right and the share that only `b` has
/// right; else of the shares of `a` and `b`; with the correlation `ρ` of their sums by author, of which `ρ f / (f + 4)`
/// counts if it is positive, where `f` are the degrees of freedom of the authors. It is no point even if no image differs. Of precision and F1 it is the linearized difference with Student's `t`, at least as wide as that of
/// accuracy or, for the macro mean, top-1, joined with the bootstrap's, which draws the same authors for both; of the
/// log-loss the same, where the accuracy's width counts times the excess loss of a wrong image.
///
/// `None` as for [`super::intervals()`], or without images.
///
/// # Errors
/// `units` is not as long as `predictions` in one of them, or images that are paired differ in class or unit.
pub fn differences(
    n_classes: usize,
    [a, b]: [Sample<'_>; 2],
    pairing: Pairing,
    n_replicates: u64,
    rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
) -> Result<Option<[Difference; Metric::ALL.len()]>, MetricError> {
    a.check()?;
    b.check()?;
    if pairing == Pairing::Images {
        a.check_same_images(&b)?;
    }
    let pair = Pair::of(n_classes, a, b, pairing);
    let degrees_of_freedom = pair.design.degrees_of_freedom();
    if n_replicates == 0 || degrees_of_freedom == 0 || a.units.is_empty() || b.units.is_empty() {
        return Ok(None);
    }
    let t = distributions::t_quantile(degrees_of_freedom);
    let [of_a, of_b] = [a, b].map(|sample| ConfusionCounts::of(n_classes, sample.predictions));
    let values = of_a.scores_less(&of_b);
    let replicates =
        resampling::within_classes(&pair.design, &[a, b], n_classes, n_replicates, rng_of);
    let resampled = resampling::percentiles(replicates.into_iter().map(|[a, b]| subtract(a, b)), t);
    let mut metrics = Metric::ALL.into_iter().zip(values).zip(resampled);
    Ok(Some(std::array::from_fn(|_| {
        let ((metric, value), resampled) = metrics.next().expect("one for each metric");
        let Interval { low, high } = pair.interval((metric, value), resampled, t);
        // Rounding may shift an end past an exact 0.
        Difference {
            value,
            low: low.min(value),
            high: high.max(value),
        }
    })))
}

/// Two samples, with the authors of both.
struct Pair<'a> {
    n_classes: usize,
    samples: [Sample<'a>; 2],
    pairing: Pairing,
    /// Of the images that both have, or of all images of both.
    design: Design,
    /// Of each.
    designs: [Design; 2],
}

/// Distances of an interval's ends from a value.
#[derive(Clone, Copy)]
struct Reach {
    below: f64,
    above: f64,
}

impl Reach {
    fn of(value: f64, interval: Interval) -> Self {
        Self {
            below: value - interval.low,
            above: interval.high - value,
        }
    }

    fn around(self, value: f64) -> Interval {
        Interval {
            low: value - self.below,
            high: value + self.above,
        }
    }

    fn at_least(self, other: Self) -> Self {
        Self {
            below: self.below.max(other.below),
            above: self.above.max(other.above),
        }
    }

    fn times(self, factor: f64) -> Self {
        Self {
            below: self.below * factor,
            above: self.above * factor,
        }
    }
}

impl<'a> Pair<'a> {
    fn of(n_classes: usize, a: Sample<'a>, b: Sample<'a>, pairing: Pairing) -> Self {
        Self {
            n_classes,
            samples: [a, b],
            pairing,
            design: match pairing {
                Pairing::Images => Design::of(&[a]),
                Pairing::Authors => Design::of(&[a, b]),
            },
            designs: [Design::of(&[a]), Design::of(&[b])],
        }
    }

    fn interval(&self, (metric, value): (Metric, f64), resampled: Interval, t: f64) -> Interval {
        match Kind::of(metric) {
            Kind::Share(is_hit) => {
                let Interval { low, high } = self.shares(metric, is_hit, t).around(value);
                Interval {
                    low: low.max(-1.0),
                    high: high.min(1.0),
                }
            }
            Kind::Ratio => {
                let base = if bound::is_by_class(metric) {
                    Metric::Top1
                } else {
                    Metric::Accuracy
                };
                let least = self.shares(base, |image| image.predicted == image.actual, t);
                let reach = self.linear(metric, t).at_least(least);
                let Interval { low, high } = reach.around(value).hull(resampled);
                Interval {
                    low: low.max(-1.0),
                    high: high.min(1.0),
                }
            }
            Kind::Loss => {
                let is_right = |image: &ScoredPrediction| image.predicted == image.actual;
                let [a, b] = self.samples.map(|sample| sample.predictions);
                let excess = bound::excess_loss(&[a, b].concat(), self.n_classes);
                let least = self.shares(Metric::Accuracy, is_right, t).times(excess);
                let reach = self.linear(metric, t).at_least(least);
                reach.around(value).hull(resampled)
            }
        }
    }

    /// Reach of the difference of two shares.
    fn shares(&self, metric: Metric, is_hit: impl Fn(&ScoredPrediction) -> bool, t: f64) -> Reach {
        let by_class = bound::is_by_class(metric);
        let hits = self
            .samples
            .map(|sample| -> Vec<bool> { sample.predictions.iter().map(&is_hit).collect() });
        let [a, b] = self.samples;
        let (more, less, found);
        let more_design;
        let less_design;
        if self.pairing == Pairing::Images {
            let only = |of: usize| {
                hits[of]
                    .iter()
                    .zip(&hits[1 - of])
                    .map(|(own, other)| *own && !*other)
            };
            (more_design, less_design) = (&self.design, &self.design);
            more = Share::of(more_design, &a, by_class, only(0));
            less = Share::of(less_design, &a, by_class, only(1));
            found = self
                .design
                .correlation(&more.centered(&self.design), &less.centered(&self.design));
        } else {
            (more_design, less_design) = (&self.designs[0], &self.designs[1]);
            more = Share::of(more_design, &a, by_class, hits[0].iter().copied());
            less = Share::of(less_design, &b, by_class, hits[1].iter().copied());
            let (own, other) = (more.centered(more_design), less.centered(less_design));
            let zeros = |sample: &Sample<'_>| vec![0.0; sample.units.len()];
            found = self
                .design
                .correlation(&[own, zeros(&b)].concat(), &[zeros(&a), other].concat());
        }
        // The estimate from few authors is uncertain, and a high correlation makes the interval narrow: shrinkage towards 0
        // with the weight of four more authors, which keeps the coverage with 3 to 5 authors above 95 % (`tests/coverage.rs`).
        // A negative one makes it wide, and stays.
        let degrees_of_freedom = self.design.degrees_of_freedom() as f64;
        let correlation = found.min(found * degrees_of_freedom / (degrees_of_freedom + 4.0));
        let more = Reach::of(more.value, more.interval(more_design, t));
        let less = Reach::of(less.value, less.interval(less_design, t));
        let combined = |x: f64, y: f64| (x * x + y * y - 2.0 * correlation * x * y).max(0.0).sqrt();
        Reach {
            below: combined(more.below, less.above),
            above: combined(more.above, less.below),
        }
    }

    /// Reach of a difference by its linearized variance.
    fn linear(&self, metric: Metric, t: f64) -> Reach {
        let [a, b] = [0, 1].map(|i| {
            let values = influence::influences(metric, self.n_classes, self.samples[i].predictions);
            self.designs[i].centered(&values)
        });
        let values: Vec<f64> = match self.pairing {
            Pairing::Images => a.iter().zip(&b).map(|(a, b)| a - b).collect(),
            Pairing::Authors => a.into_iter().chain(b.into_iter().map(|b| -b)).collect(),
        };
        let half_width = t * self.design.spread(&values).variance.sqrt();
        Reach {
            below: half_width,
            above: half_width,
        }
    }
}
