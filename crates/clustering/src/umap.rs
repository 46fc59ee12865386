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
mod params;
mod start;

use ndarray::{Array2, ArrayView2};

pub use curve::Curve;
pub use fitted::FittedMap;
pub use membership::memberships;
pub use neighbors::{Neighbors, nearest_among, nearest_neighbors};
pub use params::MapParams;

use crate::ClusterError;
use crate::points::check_finite;
use graph::Edge;
use params::check;

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

#[cfg(test)]
mod tests;
