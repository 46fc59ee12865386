//! Table `leaks`: authors and near-duplicates on both sides of a split.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// Counts of authors and near-duplicates with different assignments in a split. Sorted by `design`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitLeakage {
    /// `by author`, or `existing` for an existing split; `by class`; `at random`.
    pub design: String,
    /// Authors of the collection.
    pub authors: u32,
    /// Authors with images of more than one assignment: folds, training images of an existing split, test set.
    pub shared_authors: u32,
    /// Pictures of those authors.
    pub shared_pictures: u32,
    /// Groups of near-duplicates.
    pub near_duplicates: u32,
    /// Groups with images of more than one assignment.
    pub parted_near_duplicates: u32,
}

impl Table for SplitLeakage {
    const NAME: &'static str = "leaks";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        self.design.cmp(&other.design)
    }
}
