//! Table `near_duplicates`: pairs of pictures that look alike.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::Table;

/// Two pictures that look alike. Sorted by `first` and `second`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NearDuplicate {
    /// As in `annotations`.
    pub first: String,
    /// As in `annotations`, behind `first`.
    pub second: String,
    /// Bits of 64 in which their perceptual hashes differ.
    pub distance: u32,
    /// Where `first` stands in the study's folds.
    pub first_part: String,
    /// Where `second` stands.
    pub second_part: String,
}

impl Table for NearDuplicate {
    const NAME: &'static str = "near_duplicates";

    fn order(&self, other: &Self) -> Ordering {
        (&self.first, &self.second).cmp(&(&other.first, &other.second))
    }
}
