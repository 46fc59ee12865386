//! Table `fingerprints`: what pictures show, in 64 bits.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::Table;

/// A picture's perceptual hash. Sorted by `path`, one row for each row of `annotations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// As in `annotations`.
    pub path: String,
    /// 16 hexadecimal digits; pictures that look alike differ in few of the 64 bits.
    pub hash: String,
}

impl Table for Fingerprint {
    const NAME: &'static str = "fingerprints";

    fn order(&self, other: &Self) -> Ordering {
        self.path.cmp(&other.path)
    }
}
