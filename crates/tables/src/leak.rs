//! Table `leaks`: what the parts of a split share.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::Table;

/// What stands in two parts of a split, though it should not. Sorted by `design`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leak {
    /// `by author`, or `existing` for an existing split; `by class`; `at random`.
    pub design: String,
    /// Authors of the collection.
    pub authors: u32,
    /// Authors with pictures in more than one part.
    pub shared_authors: u32,
    /// Pictures of those authors.
    pub shared_pictures: u32,
    /// Groups of near-duplicates.
    pub near_duplicates: u32,
    /// Groups with images in more than one part.
    pub parted_near_duplicates: u32,
}

impl Table for Leak {
    const NAME: &'static str = "leaks";

    fn order(&self, other: &Self) -> Ordering {
        self.design.cmp(&other.design)
    }
}
