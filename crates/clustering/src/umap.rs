//! UMAP (McInnes, Healy, Melville 2018): a low-dimensional embedding that preserves neighborhoods.
//!
//! The fuzzy neighbor graph is umap-rs's; neighbors, initialization, curve and layout are exact and deterministic code
//! of this crate. New points enter a [`FittedUmap`] in the same way: by their neighbors among the fitted points, then
//! by the layout's forces with the fitted points at rest.

mod curve;
mod fitted;
mod forces;
mod graph;
mod layout;
mod membership;
mod neighbors;
mod params;
mod start;

use ndarray::{Array2, ArrayView2};

pub use curve::Curve;
pub use fitted::FittedUmap;
pub use membership::memberships;
pub use neighbors::{Neighbors, nearest_among, nearest_neighbors};
pub use params::UmapParams;

use crate::ClusterError;
use crate::points::check_finite;
use forces::Forces;
use graph::Edge;
use params::{check, check_components};

/// Points with their neighbor graph, for embeddings of any dimension.
#[derive(Clone, Debug)]
pub struct Umap {
    points: Array2<f32>,
    edges: Vec<Edge>,
    curve: Curve,
    params: UmapParams,
}

impl Umap {
    /// Computes the neighbor graph of points `[N, D]`.
    ///
    /// With too few points for `n_neighbors`, all others are a point's neighbors.
    ///
    /// # Errors
    /// A parameter is out of its range or a coordinate is not finite.
    pub fn fit(points: ArrayView2<'_, f32>, params: UmapParams) -> Result<Self, ClusterError> {
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

    /// Embedding `[N, C]` with `C = n_components`.
    ///
    /// # Errors
    /// `n_components` is 0, or the principal components of the start cannot be computed.
    pub fn embed(&self, n_components: usize, seed: u64) -> Result<Array2<f32>, ClusterError> {
        check_components(n_components)?;
        let mut coordinates = start::principal_start(self.points.view(), n_components, seed)?;
        let forces = Forces::new(self.curve, self.params.negative_samples);
        layout::optimize(
            &mut coordinates,
            &self.edges,
            self.params.epochs,
            &forces,
            seed,
        );
        Ok(coordinates)
    }
}

#[cfg(test)]
mod tests;
