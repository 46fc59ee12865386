//! Table `embedding_evolution_quality`: trustworthiness of the coordinates, by epoch and subset.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// Images of a subset in an epoch of `embedding_evolution`. Sorted by `epoch`, `subset`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingEvolutionQuality {
    /// From 0.
    pub epoch: u32,
    /// As in `epoch_outputs`.
    pub subset: Subset,
    /// True if the projection was fitted to these images; others were projected afterwards.
    pub fitted: bool,
    /// Images of the subset.
    pub images: u32,
    /// Number of nearest neighbors that the trustworthiness compares.
    pub neighbors: u32,
    /// Degree to which neighbors in the projection are neighbors in the epoch's embedding, in `[0, 1]`; null for too few
    /// images.
    pub trustworthiness: Option<f64>,
}

impl Table for EmbeddingEvolutionQuality {
    const NAME: &'static str = "embedding_evolution_quality";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.epoch, self.subset).cmp(&(other.epoch, other.subset))
    }
}
