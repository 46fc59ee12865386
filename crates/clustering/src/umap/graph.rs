//! The fuzzy neighbor graph, by umap-rs.

use ndarray::ArrayView2;
use tracing::subscriber::{NoSubscriber, with_default};
use umap_rs::{GraphParams, ManifoldParams, UmapConfig};

use super::{Curve, nearest_neighbors};
use crate::ClusterError;

/// An edge of the graph; each pair of neighbors has two, one from either end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edge {
    pub(super) head: usize,
    pub(super) tail: usize,
    /// Membership in the fuzzy set of edges, in `(0, 1]`.
    pub(super) weight: f32,
}

/// Edges of the fuzzy union of the points' neighborhoods, by head, then tail.
///
/// Fewer than three points have no graph.
pub(super) fn fuzzy_edges(
    points: ArrayView2<'_, f32>,
    n_neighbors: usize,
    curve: Curve,
) -> Result<Vec<Edge>, ClusterError> {
    let n = points.nrows();
    if n < 3 {
        return Ok(Vec::new());
    }
    // umap-rs wants more points than neighbors.
    let n_neighbors = n_neighbors.min(n - 1);
    let neighbors = nearest_neighbors(points, n_neighbors)?;
    let umap = umap_rs::Umap::new(config(n_neighbors, curve));
    let (indices, distances) = (neighbors.indices.view(), neighbors.distances.view());
    // umap-rs logs each of its inner steps, which would hide the lines of the stage.
    let manifold = with_default(NoSubscriber::new(), || {
        umap.learn_manifold(points, indices, distances)
    });
    let edges = manifold.graph().iter().map(|(&weight, (head, tail))| Edge {
        head: head as usize,
        tail: tail as usize,
        weight,
    });
    Ok(edges.collect())
}

/// The curve is passed on because umap-rs's own fit of it doesn't converge; the graph doesn't depend on it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "umap-rs takes the curve in single precision"
)]
fn config(n_neighbors: usize, curve: Curve) -> UmapConfig {
    UmapConfig {
        manifold: ManifoldParams {
            a: Some(curve.a as f32),
            b: Some(curve.b as f32),
            ..ManifoldParams::default()
        },
        graph: GraphParams {
            n_neighbors,
            ..GraphParams::default()
        },
        ..UmapConfig::default()
    }
}
