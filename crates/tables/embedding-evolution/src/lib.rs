//! Table `epoch_places`: where each picture stands on one map as the network learns.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A picture's place in an epoch of the chosen fold. A row group an epoch; within it sorted by `path`.
///
/// The map is fitted to the training pictures of the chosen epoch; all others, and the pictures of other epochs, are
/// placed on it by their nearest neighbors among those.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochCoordinates {
    /// From 0.
    pub epoch: u32,
    /// As in `annotations`.
    pub path: String,
    /// The true class.
    pub label: String,
    /// As in `epoch_outputs`.
    pub subset: Subset,
    /// First coordinate.
    pub x: f32,
    /// Second coordinate.
    pub y: f32,
}

impl Table for EpochCoordinates {
    const NAME: &'static str = "epoch_places";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.epoch, &self.path).cmp(&(other.epoch, &other.path))
    }
}
