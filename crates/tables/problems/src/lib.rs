//! Table `problems`: files of the folder that are not in the study, with reasons.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// An excluded file or folder. Sorted by `path`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Relative to the folder of images.
    pub path: String,
    /// One word for the kind: `truncated`, `duplicate`, `not-an-image`, …
    pub reason: String,
    /// Description of the fault, as a sentence.
    pub detail: String,
}

impl Table for Problem {
    const NAME: &'static str = "problems";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.path, &self.reason).cmp(&(&other.path, &other.reason))
    }
}
