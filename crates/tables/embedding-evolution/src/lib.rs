//! Table `embedding_evolution`: coordinates of the images in one UMAP projection, by epoch.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// Coordinates of an image in an epoch of the selected fold. One row group per epoch; within it sorted by `path`.
///
/// The projection is fitted to the training images of the selected epoch; all others, and the images of other epochs,
/// are projected by their nearest neighbors among those.
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
    const NAME: &'static str = "embedding_evolution";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.epoch, &self.path).cmp(&(other.epoch, &other.path))
    }
}
