//! Table `clusters`: each picture's clusters and its place on the map.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A picture's clusters and coordinates. Sorted by `path`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// As in `annotations`.
    pub path: String,
    /// The true class.
    pub label: String,
    /// As in `predictions`.
    pub subset: Subset,
    /// Cluster of k-means, from 0, at the `k` of the best silhouette.
    pub kmeans: u32,
    /// Cluster of the agglomerative method, likewise.
    pub agglomerative: u32,
    /// UMAP in the plane, first coordinate.
    pub umap_x: f32,
    /// Second coordinate.
    pub umap_y: f32,
    /// UMAP in space, first coordinate.
    pub umap3_x: f32,
    /// Second coordinate.
    pub umap3_y: f32,
    /// Third coordinate.
    pub umap3_z: f32,
}

impl Table for Cluster {
    const NAME: &'static str = "clusters";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        self.path.cmp(&other.path)
    }
}
