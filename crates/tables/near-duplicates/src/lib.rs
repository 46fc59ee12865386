//! Table `near_duplicates`: images that have copies in the collection.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// An image of a group of near-duplicates. Sorted by `group` and `path`; images without near-duplicates have no row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NearDuplicate {
    /// As in `annotations`.
    pub path: String,
    /// Index of the group, from 0.
    pub group: u32,
    /// The class.
    pub label: String,
    /// Path of the image of the group that confirmed this one, or of the image itself if others were compared with it.
    pub representative: String,
    /// Largest mean difference of a block from the representative after alignment, in levels of 255.
    pub difference: f32,
    /// True if the group has images of several classes.
    pub conflict: bool,
}

impl Table for NearDuplicate {
    const NAME: &'static str = "near_duplicates";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.group, &self.path).cmp(&(other.group, &other.path))
    }
}
