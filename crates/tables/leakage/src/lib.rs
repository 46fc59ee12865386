//! Table `leakage`: authors and near-duplicates shared between the subsets of a split.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// Counts of authors and near-duplicates with different assignments in a split. Sorted by `split`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitLeakage {
    /// `by author`, or `existing` for an existing split; `by class`; `at random`.
    pub split: String,
    /// Authors of the collection.
    pub authors: u32,
    /// Authors with images of more than one assignment: folds, training images of an existing split, test set.
    pub shared_authors: u32,
    /// Images of those authors.
    pub shared_images: u32,
    /// Groups of near-duplicates.
    pub near_duplicates: u32,
    /// Groups with images of more than one assignment.
    pub split_near_duplicates: u32,
}

impl Table for SplitLeakage {
    const NAME: &'static str = "leakage";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        self.split.cmp(&other.split)
    }
}
