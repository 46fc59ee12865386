//! Parameters of a map.

use crate::ClusterError;

/// How a map is made.
#[derive(Clone, Copy, Debug)]
pub struct MapParams {
    /// Neighbors of a point, itself included, at least 2; more show the large, fewer the small.
    pub n_neighbors: usize,
    /// Distance on the map below which points are not drawn closer, in `[0, spread]`.
    pub min_dist: f64,
    /// Distance on the map over which similarity falls by e, above 0.
    pub spread: f64,
    /// Passes over the graph; umap-learn takes 500 up to 10,000 points and 200 above.
    pub epochs: usize,
    /// Pairs pushed apart for each pair drawn together.
    pub negative_samples: usize,
}

impl Default for MapParams {
    /// umap-learn's defaults.
    fn default() -> Self {
        Self {
            n_neighbors: 15,
            min_dist: 0.1,
            spread: 1.0,
            epochs: 500,
            negative_samples: 5,
        }
    }
}

pub(super) fn check(params: &MapParams) -> Result<(), ClusterError> {
    if params.n_neighbors < 2 {
        let found = params.n_neighbors.to_string();
        return Err(ClusterError::Parameter {
            name: "n_neighbors",
            found,
            expected: "at least 2",
        });
    }
    Ok(())
}
