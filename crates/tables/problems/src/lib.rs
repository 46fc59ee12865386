//! Table `problems`: files of the folder that are not in the study, and why.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// A file or folder left out. Sorted by `path`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Relative to the folder of images.
    pub path: String,
    /// One word for the kind: `truncated`, `duplicate`, `not-an-image`, …
    pub reason: String,
    /// A sentence: what was found.
    pub detail: String,
}

impl Table for Problem {
    const NAME: &'static str = "problems";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.path, &self.reason).cmp(&(&other.path, &other.reason))
    }
}
