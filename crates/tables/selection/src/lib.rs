//! Table `selection`: fold and epoch of the selected model.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// The selected model; one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// Rule of the selection.
    pub rule: String,
    /// The fold left out, which selected the epoch.
    pub fold: u32,
    /// Its epoch, from 0.
    pub epoch: u32,
    /// Its score in `history`.
    pub score: f64,
}

impl Table for Selection {
    const NAME: &'static str = "selection";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.fold, self.epoch).cmp(&(other.fold, other.epoch))
    }
}
