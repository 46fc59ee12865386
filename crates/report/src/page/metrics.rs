//! Metrics by which models are compared, and differences of models in them.

use std::ops::Deref;

use table_comparisons::Comparison;
use tables::Subset;

use crate::ReportError;
use crate::draw::format::{list, signed, signed_range};
use crate::page::tables::{Field, Reading, Rows};

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    /// Name in tables.
    pub(crate) id: &'static str,
    /// Name in text.
    pub(crate) name: &'static str,
    /// Whether lower values are better.
    lower_is_better: bool,
}

impl Metric {
    /// Class-weighted top-1 accuracy.
    pub(crate) const TOP_1: Self = Self::higher("top1", "top-1");
    /// Class-weighted top-2 accuracy.
    pub(crate) const TOP_2: Self = Self::higher("top2", "top-2");
    /// Mean of the classes' F1, weighted by support.
    pub(crate) const F1: Self = Self::higher("f1", "F1");
    /// Mean loss of an image, in nats.
    pub(crate) const LOG_LOSS: Self = Self {
        id: "log_loss",
        name: "log-loss",
        lower_is_better: true,
    };

    const fn higher(id: &'static str, name: &'static str) -> Self {
        let lower_is_better = false;
        Self {
            id,
            name,
            lower_is_better,
        }
    }

    /// Returns whether a model with the value `a` is better than one with `b`.
    pub(crate) fn is_better(self, a: f64, b: f64) -> bool {
        if self.lower_is_better { a < b } else { a > b }
    }
}

/// Statement on a difference of two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The first model is better: the interval excludes 0.
    Better,
    /// The first model is worse: the interval excludes 0.
    Worse,
    /// The interval contains 0.
    NotSignificant,
    /// There is no interval.
    Unknown,
}

impl Verdict {
    const ALL: [Self; 4] = [
        Self::Better,
        Self::Worse,
        Self::NotSignificant,
        Self::Unknown,
    ];

    /// The statement on `model`, the first, in a cell.
    pub(crate) fn on(self, model: &str) -> String {
        match self {
            Self::Better => format!("{model} better"),
            Self::Worse => format!("{model} worse"),
            Self::NotSignificant => "not significant".to_owned(),
            Self::Unknown => "no interval".to_owned(),
        }
    }

    /// The statement in a sentence, before the name of the other model.
    fn phrase(self) -> &'static str {
        match self {
            Self::Better => "better than",
            Self::Worse => "worse than",
            Self::NotSignificant => "not significantly different from",
            Self::Unknown => "compared without an interval with",
        }
    }
}

/// Difference of two models' metric on the same images: the first model's value less the second's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The metric.
    pub(crate) metric: Metric,
    /// Value.
    pub(crate) value: f64,
    /// Ends of the paired 95 % interval, where there is one.
    pub(crate) interval: Option<(f64, f64)>,
}

impl Difference {
    /// A difference by the numbers of a table.
    pub(crate) fn new(metric: Metric, value: f64, low: Option<f64>, high: Option<f64>) -> Self {
        let interval = low.zip(high);
        Self {
            metric,
            value,
            interval,
        }
    }

    /// The statement on the first model.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.interval {
            None => Verdict::Unknown,
            Some((low, high)) if low <= 0.0 && high >= 0.0 => Verdict::NotSignificant,
            Some(_) if self.metric.is_better(self.value, 0.0) => Verdict::Better,
            Some(_) => Verdict::Worse,
        }
    }

    /// `+0.012 (−0.030 to +0.050)`.
    pub(crate) fn text(&self) -> String {
        let value = signed(self.value);
        match self.interval {
            Some(interval) => format!("{value} ({})", signed_range(interval)),
            None => value,
        }
    }
}

/// A sentence that compares `subject` with `other` in several metrics, such as `The network is worse than the linear probe
/// in top-1 (−0.053, …); it is not significantly different from it in top-2 (…).`; none without differences.
pub(crate) fn statement(subject: &str, other: &str, differences: &[Difference]) -> Option<String> {
    let mut clauses = Vec::new();
    for verdict in Verdict::ALL {
        let of = differences.iter().filter(|d| d.verdict() == verdict);
        let metrics: Vec<String> = of
            .map(|d| format!("{} ({})", d.metric.name, parenthesis(d)))
            .collect();
        if !metrics.is_empty() {
            let object = if clauses.is_empty() { other } else { "it" };
            clauses.push(format!(
                "{} {object} in {}",
                verdict.phrase(),
                list(&metrics)
            ));
        }
    }
    (!clauses.is_empty()).then(|| format!("{subject} is {}.", clauses.join("; it is ")))
}

fn parenthesis(difference: &Difference) -> String {
    let value = signed(difference.value);
    match difference.interval {
        Some(interval) => format!("{value}, {}", signed_range(interval)),
        None => value,
    }
}

/// Paired differences of models.
pub(crate) struct Differences(Rows<Comparison>);

impl Deref for Differences {
    type Target = [Comparison];

    fn deref(&self) -> &[Comparison] {
        &self.0
    }
}

impl Field for Differences {
    type Row = Comparison;

    const READING: Reading = Reading::Whole;

    fn of(_: &'static str, rows: Rows<Comparison>) -> Result<Self, ReportError> {
        Ok(Self(rows))
    }
}

impl Differences {
    /// The difference of `model` from `other` on `subset`, in whichever order the table has the two.
    pub(crate) fn find(
        &self,
        model: &str,
        other: &str,
        subset: Subset,
        metric: Metric,
    ) -> Option<Difference> {
        let row = |a: &str, b: &str| {
            let wanted = (a, b, subset, metric.id);
            let mut rows = self.iter();
            rows.find(|row| {
                let (a, b) = (row.model.as_str(), row.other.as_str());
                (a, b, row.subset, row.metric.as_str()) == wanted
            })
        };
        let forward = || {
            let row = row(model, other)?;
            Some(Difference::new(metric, row.difference, row.low, row.high))
        };
        let backward = || {
            let row = row(other, model)?;
            let (low, high) = (row.high.map(|h| -h), row.low.map(|l| -l));
            Some(Difference::new(metric, -row.difference, low, high))
        };
        forward().or_else(backward)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(metric: Metric, value: f64, low: f64, high: f64) -> Difference {
        Difference::new(metric, value, Some(low), Some(high))
    }

    #[test]
    fn a_lower_loss_is_better() {
        assert_eq!(of(Metric::TOP_1, 0.1, 0.05, 0.2).verdict(), Verdict::Better);
        let loss = of(Metric::LOG_LOSS, 0.1, 0.05, 0.2);
        assert_eq!(loss.verdict(), Verdict::Worse);
        assert_eq!(loss.text(), "+0.100 (+0.050 to +0.200)");
    }

    #[test]
    fn a_difference_whose_interval_reaches_zero_is_not_significant() {
        for (low, high) in [(-0.1, 0.1), (0.0, 0.1), (-0.1, 0.0)] {
            let difference = of(Metric::TOP_1, 0.05, low, high);
            assert_eq!(difference.verdict(), Verdict::NotSignificant);
            assert_eq!(difference.verdict().on("network"), "not significant");
        }
        let unknown = Difference::new(Metric::TOP_1, 0.05, None, None);
        assert_eq!(unknown.verdict(), Verdict::Unknown);
    }

    #[test]
    fn a_statement_groups_metrics_by_verdict() {
        let differences = [
            of(Metric::TOP_1, -0.053, -0.09, -0.02),
            of(Metric::TOP_2, 0.01, -0.02, 0.03),
            of(Metric::LOG_LOSS, 0.2, 0.1, 0.3),
        ];
        assert_eq!(
            statement("The network", "the probe", &differences).unwrap(),
            "The network is worse than the probe in top-1 (−0.053, −0.090 to −0.020) and log-loss (+0.200, +0.100 to +0.300); it \
             is not significantly different from it in top-2 (+0.010, −0.020 to +0.030)."
        );
        assert_eq!(statement("The network", "the probe", &[]), None);
    }
}
