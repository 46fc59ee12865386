//! Table `cluster_scores`: agreement of clusters with the classes, by method and number of clusters.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// Agreement of a clustering with the classes. Sorted by `method`, `k`, `subset`, all images first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterScore {
    /// As in `silhouettes`.
    pub method: String,
    /// Number of clusters of all images together.
    pub k: u32,
    /// The images that are compared, as in `predictions`; null for all images. The clusters are the same for each subset:
    /// they were fitted to all images together, without their classes.
    pub subset: Option<Subset>,
    /// Adjusted Rand index of clusters and classes, at most 1; 0 is expected by chance. Null where undefined: with one
    /// cluster and one class, or where each image is alone in both.
    pub ari: Option<f64>,
    /// Normalized mutual information of clusters and classes, by the arithmetic mean of both entropies, in `[0, 1]`; not
    /// adjusted for chance. Null where undefined: with one cluster and one class.
    pub nmi: Option<f64>,
    /// Number of images.
    pub images: u32,
}

impl Table for ClusterScore {
    const NAME: &'static str = "cluster_scores";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.method, self.k, self.subset).cmp(&(&other.method, other.k, other.subset))
    }
}
