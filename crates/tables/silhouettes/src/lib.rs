//! Table `silhouettes`: silhouette by number of clusters and method.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// A clustering into `k`. Sorted by `method`, `k`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silhouette {
    /// `kmeans` or `ward`.
    pub method: String,
    /// Number of clusters.
    pub k: u32,
    /// Mean silhouette, in `[-1, 1]`; null where undefined.
    pub silhouette: Option<f64>,
    /// Sum of squared distances to the centers; null for methods other than k-means.
    pub inertia: Option<f64>,
}

impl Table for Silhouette {
    const NAME: &'static str = "silhouettes";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.method, self.k).cmp(&(&other.method, other.k))
    }
}
