//! Check that every fold of every split can be trained and validated.

use std::collections::{BTreeMap, BTreeSet};

use table_folds::Fold;
use tables::Assignment;

use crate::Finding;

/// Classes that a finding lists.
const LISTED: usize = 8;

/// A split, as numbers of images by class and fold.
pub struct FoldSplit {
    /// Name in messages, with the stage that trains on it.
    name: &'static str,
    /// By label: numbers of images that every fold trains on, of each fold, and held out.
    classes: BTreeMap<String, Counts>,
}

#[derive(Clone, Default)]
struct Counts {
    train: usize,
    folds: BTreeMap<u32, usize>,
    held_out: usize,
}

impl Counts {
    /// Number of training images of the fold.
    fn trained_on(&self, fold: u32) -> usize {
        let others = self.folds.iter().filter(|(number, _)| **number != fold);
        self.train + others.map(|(_, n)| n).sum::<usize>()
    }

    fn validated_on(&self, fold: u32) -> usize {
        self.folds.get(&fold).copied().unwrap_or(0)
    }
}

impl FoldSplit {
    /// The split of the table `folds`.
    pub fn of(name: &'static str, folds: &[Fold]) -> Self {
        let mut classes: BTreeMap<String, Counts> = BTreeMap::new();
        for row in folds {
            let counts = classes.entry(row.label.clone()).or_default();
            match row.fold {
                Assignment::Train => counts.train += 1,
                Assignment::Fold(fold) => *counts.folds.entry(fold).or_default() += 1,
                Assignment::Test => counts.held_out += 1,
            }
        }
        Self { name, classes }
    }

    /// The classes, sorted.
    pub fn labels(&self) -> Vec<&str> {
        self.classes.keys().map(String::as_str).collect()
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        let counts = self.classes.values();
        counts
            .map(|counts| counts.train + counts.held_out + counts.folds.values().sum::<usize>())
            .sum()
    }

    /// Returns whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of training images of the fold in the classes `labels`.
    pub fn trained_on(&self, fold: u32, labels: &[&str]) -> usize {
        let of = labels.iter().filter_map(|label| self.classes.get(*label));
        of.map(|counts| counts.trained_on(fold)).sum()
    }

    /// Number of validation images of the fold.
    pub fn validated_on(&self, fold: u32) -> usize {
        let counts = self.classes.values();
        counts.map(|counts| counts.validated_on(fold)).sum()
    }

    fn untrained(&self, fold: u32) -> Vec<&str> {
        let classes = self.classes.iter();
        let untrained = classes.filter(|(_, counts)| counts.trained_on(fold) == 0);
        untrained.map(|(label, _)| label.as_str()).collect()
    }
}

/// Checks that each of `folds` of `split` can be trained and validated.
pub fn check_split(split: &FoldSplit, folds: &BTreeSet<u32>, findings: &mut Vec<Finding>) {
    let name = split.name;
    for &fold in folds {
        if split.validated_on(fold) == 0 {
            findings.push(Finding::new(
                format!("fold {fold} of the split {name} has no image, expected at least 1"),
                "set `split.folds` to the number of folds that the split has, or use images by more authors",
            ));
        }
        let untrained = split.untrained(fold);
        if !untrained.is_empty() {
            let shown: Vec<String> = { untrained.iter().take(LISTED) }
                .map(|label| format!("`{label}`"))
                .collect();
            let quoted: Vec<String> = { untrained.iter().take(LISTED) }
                .map(|label| format!("{label:?}"))
                .collect();
            findings.push(Finding::new(
                format!(
                    "fold {fold} of the split {name} has no training image of {} of the {} classes ({}{}), expected at \
                     least 1 of each",
                    untrained.len(),
                    split.classes.len(),
                    shown.join(", "),
                    if untrained.len() > LISTED { ", …" } else { "" }
                ),
                format!(
                    "add images by other authors, or set `annotate.leave_out = [{}]`",
                    quoted.join(", ")
                ),
            ));
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A split of `(label, assignment, images)`.
    pub(crate) fn split_of(rows: &[(&str, &str, usize)]) -> FoldSplit {
        let rows = rows.iter().flat_map(|&(label, assignment, n)| {
            (0..n).map(move |number| Fold {
                path: format!("{label}/{assignment}-{number}.png"),
                label: label.to_owned(),
                author: None,
                fold: assignment.parse().unwrap(),
            })
        });
        FoldSplit::of("by author", &rows.collect::<Vec<_>>())
    }

    fn check(split: &FoldSplit, folds: impl IntoIterator<Item = u32>) -> Vec<String> {
        let mut findings = Vec::new();
        check_split(split, &folds.into_iter().collect(), &mut findings);
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_class_in_two_folds_is_trained_on_by_each() {
        let split = split_of(&[("a", "0", 3), ("a", "1", 1), ("b", "1", 2), ("b", "2", 2)]);
        assert_eq!(check(&split, 0..3), [""; 0]);
        assert_eq!(split.trained_on(1, &["a", "b"]), 5);
        assert_eq!((split.validated_on(1), split.len()), (3, 8));
    }

    #[test]
    fn a_class_in_one_fold_is_found_with_its_remedy() {
        let split = split_of(&[
            ("a", "0", 3),
            ("a", "1", 1),
            ("b", "1", 2),
            ("b", "test", 2),
        ]);
        let found = check(&split, 0..2);
        let [finding] = &found[..] else {
            panic!("one fold lacks a class");
        };
        assert!(finding.starts_with("fold 1 of the split by author has no training image of 1 of"));
        assert!(finding.ends_with("`annotate.leave_out = [\"b\"]`"));
    }

    #[test]
    fn an_existing_split_trains_on_its_own_images() {
        let split = split_of(&[("a", "train", 3), ("a", "0", 1), ("b", "train", 2)]);
        assert_eq!(check(&split, [0]), [""; 0]);
        let without = split_of(&[("a", "train", 3), ("b", "train", 2)]);
        assert!(check(&without, [0])[0].starts_with("fold 0 of the split by author has no image"));
    }
}
