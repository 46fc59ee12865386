//! Table `map_qualities`: how far the places of an epoch can be trusted.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// Images of a subset in an epoch of `epoch_places`. Sorted by `epoch`, `subset`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingEvolutionQuality {
    /// From 0.
    pub epoch: u32,
    /// As in `epoch_outputs`.
    pub subset: Subset,
    /// Whether the map was fitted to these very pictures; others were placed on it.
    pub fitted: bool,
    /// Images of the subset.
    pub pictures: u32,
    /// Neighbors on the map that are looked at.
    pub neighbors: u32,
    /// How far neighbors on the map are neighbors in the epoch's embedding too, in `[0, 1]`; null for too few pictures.
    pub trustworthiness: Option<f64>,
}

impl Table for EmbeddingEvolutionQuality {
    const NAME: &'static str = "map_qualities";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.epoch, self.subset).cmp(&(other.epoch, other.subset))
    }
}
