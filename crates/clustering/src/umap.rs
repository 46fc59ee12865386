//! UMAP (McInnes, Healy, Melville 2018): a map that keeps neighbors together.
//!
//! The fuzzy neighbor graph is umap-rs's; neighbors, start, curve and layout are ours, exact and deterministic. New
//! points enter a [`FittedMap`] by the same parts: their neighbors among the fitted points, then the layout's forces
//! with the fitted points at rest.

mod curve;
mod fitted;
mod graph;
mod layout;
mod membership;
mod neighbors;
mod start;

use ndarray::{Array2, ArrayView2};

pub use curve::Curve;
pub use fitted::FittedMap;
pub use membership::memberships;
pub use neighbors::{Neighbors, nearest_among, nearest_neighbors};

use crate::ClusterError;
use crate::points::check_finite;
use graph::Edge;

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

/// Points with their neighbor graph, from which maps of any dimension are made.
#[derive(Clone, Debug)]
pub struct Umap {
    points: Array2<f32>,
    edges: Vec<Edge>,
    curve: Curve,
    params: MapParams,
}

impl Umap {
    /// Learns the neighbor graph of points `[N, D]`.
    ///
    /// With too few points for `n_neighbors`, all others are a point's neighbors.
    ///
    /// # Errors
    /// A parameter is out of its range or a coordinate is not finite.
    pub fn learn(points: ArrayView2<'_, f32>, params: MapParams) -> Result<Self, ClusterError> {
        check_finite(points)?;
        check(&params)?;
        let curve = Curve::fit(params.min_dist, params.spread)?;
        let edges = graph::fuzzy_edges(points, params.n_neighbors, curve)?;
        Ok(Self {
            points: points.to_owned(),
            edges,
            curve,
            params,
        })
    }

    /// The map `[N, C]` with `C = n_components`.
    ///
    /// # Errors
    /// `n_components` is 0, or the principal components of the start cannot be computed.
    pub fn project(&self, n_components: usize, seed: u64) -> Result<Array2<f32>, ClusterError> {
        if n_components == 0 {
            return Err(ClusterError::Parameter {
                name: "n_components",
                found: "0".into(),
                expected: "at least 1",
            });
        }
        let mut map = start::principal_start(self.points.view(), n_components, seed)?;
        let forces = layout::Forces {
            curve: self.curve,
            negative_samples: self.params.negative_samples,
            seed,
        };
        layout::optimize(&mut map, &self.edges, self.params.epochs, &forces);
        Ok(map)
    }
}

fn check(params: &MapParams) -> Result<(), ClusterError> {
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

#[cfg(test)]
mod tests;
