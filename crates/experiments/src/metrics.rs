//! Names of metrics, in full and short.

use std::collections::{BTreeMap, BTreeSet};

use ledger::metrics::{Metric, Metrics};
use workflow::glob;

/// The values of metrics by their full names.
#[must_use]
pub fn by_name(metrics: &Metrics) -> BTreeMap<String, f64> {
    let values = metrics.values.iter();
    values
        .map(|metric| (metric.full_name(), metric.value))
        .collect()
}

/// The full names of the metrics of several states: those of the first, then additional ones of others.
#[must_use]
pub fn names(states: &[Metrics]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let all = states.iter().flat_map(|metrics| &metrics.values);
    let names = all.map(Metric::full_name);
    names.filter(|name| seen.insert(name.clone())).collect()
}

/// Returns whether one of the patterns matches this full name or an end of it: `test.*` matches `score.scores.test.f1`.
#[must_use]
pub fn is_meant(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| {
        let ends = { name.match_indices('.') }.map(|(at, _)| &name[at + 1..]);
        [name]
            .into_iter()
            .chain(ends)
            .any(|end| glob::matches(pattern, end))
    })
}

/// The titles of metrics' columns, by full name: their names in the file, where no other file has the same.
#[must_use]
pub fn titles(metrics: &[Metrics]) -> BTreeMap<String, String> {
    let all = || metrics.iter().flat_map(|metrics| &metrics.values);
    let mut outputs: BTreeMap<&str, &str> = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for metric in all() {
        let other = outputs.insert(&metric.name, &metric.output);
        if other.is_some_and(|other| other != metric.output) || metric.name.is_empty() {
            shared.insert(metric.name.as_str());
        }
    }
    let titles = all().map(|metric| {
        let is_shared = shared.contains(metric.name.as_str());
        let title = if is_shared {
            metric.full_name()
        } else {
            metric.name.clone()
        };
        (metric.full_name(), title)
    });
    titles.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(values: &[(&str, &str)]) -> Metrics {
        let values = values.iter().map(|(output, name)| Metric {
            output: (*output).to_owned(),
            name: (*name).to_owned(),
            value: 0.5,
        });
        values.fold(Metrics::default(), |mut metrics, metric| {
            metrics.values.push(metric);
            metrics
        })
    }

    #[test]
    fn names_of_further_states_follow_those_of_the_first() {
        let first = metrics(&[("score.scores", "f1"), ("score.scores", "top1")]);
        let second = metrics(&[("score.scores", "top1"), ("count.n", "")]);
        assert_eq!(
            names(&[first, second]),
            ["score.scores.f1", "score.scores.top1", "count.n"]
        );
    }

    #[test]
    fn a_pattern_matches_an_end_of_the_name() {
        let is = |pattern: &str| is_meant(&[pattern.to_owned()], "score.scores.test.f1");
        assert!(is("f1") && is("test.*") && is("scores.test.f1") && is("score.*"));
        assert!(!is("f") && !is("est.f1") && !is("train.*"));
        assert!(!is_meant(&[], "score.scores.test.f1"));
    }

    #[test]
    fn a_shared_name_is_shown_in_full() {
        let titles = titles(&[metrics(&[
            ("a.x", "f1"),
            ("b.x", "f1"),
            ("b.x", "lr"),
            ("n.n", ""),
        ])]);
        let titles: Vec<&str> = titles.values().map(String::as_str).collect();
        assert_eq!(titles, ["a.x.f1", "b.x.f1", "lr", "n.n"]);
    }
}
