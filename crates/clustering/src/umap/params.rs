//! Parameters of UMAP.

use crate::ClusterError;

/// Parameters of UMAP.
#[derive(Clone, Copy, Debug)]
pub struct UmapParams {
    /// Neighbors of a point, itself included, at least 2; more preserve large structures, fewer small ones.
    pub n_neighbors: usize,
    /// Distance in the embedding below which points are not drawn closer, in `[0, spread]`.
    pub min_dist: f64,
    /// Distance in the embedding over which similarity falls by e, above 0.
    pub spread: f64,
    /// Passes over the graph; umap-learn takes 500 up to 10,000 points and 200 above.
    pub epochs: usize,
    /// Random points, which repel a point, each time that one of its edges acts.
    pub negative_samples: usize,
}

impl Default for UmapParams {
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

pub(super) fn check(params: &UmapParams) -> Result<(), ClusterError> {
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

/// Fails for an embedding without dimensions.
pub(super) fn check_components(n_components: usize) -> Result<(), ClusterError> {
    if n_components == 0 {
        return Err(ClusterError::Parameter {
            name: "n_components",
            found: "0".into(),
            expected: "at least 1",
        });
    }
    Ok(())
}
