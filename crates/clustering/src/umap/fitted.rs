//! Embedding of new points among fitted ones.

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::forces::{Epoch, Forces, Points, Repulsion};
use super::graph::Edge;
use super::params::{UmapParams, check, check_components};
use super::{Curve, memberships, nearest_among};
use crate::ClusterError;
use crate::points::check_finite;
use crate::random::{Keyed, seed_of};

/// New points take a third of the fit's epochs, and steps of a quarter of its length: as in umap-learn.
const EPOCHS_SHARE: usize = 3;
const FIRST_STEP: f32 = 0.25;

/// Points `[N, D]` with their embedding `[N, C]`, which stays fixed while new points are embedded.
#[derive(Clone, Debug)]
pub struct FittedUmap {
    points: Array2<f32>,
    layout: Array2<f32>,
    forces: Forces,
    params: UmapParams,
    seed: u64,
}

impl FittedUmap {
    /// The embedding `layout` `[N, C]` of `points` `[N, D]`: the result of [`super::Umap::embed`] with the same
    /// `params`, or the same read from a table.
    ///
    /// # Errors
    /// There is no point, or not one row of coordinates for each; the rows are empty; a coordinate is not finite; a
    /// parameter is out of its range.
    pub fn new(
        points: ArrayView2<'_, f32>,
        layout: ArrayView2<'_, f32>,
        params: UmapParams,
        seed: u64,
    ) -> Result<Self, ClusterError> {
        if points.nrows() != layout.nrows() || points.nrows() == 0 {
            return Err(ClusterError::Coordinates {
                coordinates: layout.nrows(),
                points: points.nrows(),
            });
        }
        check_finite(points)?;
        check_finite(layout)?;
        check(&params)?;
        check_components(layout.ncols())?;
        Ok(Self {
            points: points.as_standard_layout().into_owned(),
            layout: layout.as_standard_layout().into_owned(),
            forces: Forces::new(
                Curve::fit(params.min_dist, params.spread)?,
                params.negative_samples,
            ),
            params,
            seed,
        })
    }

    /// Coordinates `[Q, C]` of new points `[Q, D]` (umap-learn's `transform`): each starts at the mean of its
    /// neighbors' coordinates, weighted by its [`memberships`], and is then attracted by them and repelled by random
    /// others in steps that shrink to 0, for a third of the fit's epochs.
    ///
    /// A point's coordinates depend on the fitted embedding, the seed and the point alone: not on the other new points,
    /// their order or the number of threads. For this, its random numbers are named by its coordinates `[D]`, and a
    /// membership of 1 acts in each epoch, where umap-learn takes the strongest of all new points for that. A fitted
    /// point given again is embedded as a new one, near its coordinates in the fit.
    ///
    /// # Errors
    /// The new points have another number of dimensions, or a coordinate that is not finite.
    pub fn transform(&self, points: ArrayView2<'_, f32>) -> Result<Array2<f32>, ClusterError> {
        check_finite(points)?;
        let neighbors = nearest_among(points, self.points.view(), self.params.n_neighbors)?;
        let coordinates: Vec<Vec<f32>> = (0..points.nrows())
            .into_par_iter()
            .map(|i| {
                let edges = edges(neighbors.indices.row(i), neighbors.distances.row(i));
                self.embed(&edges, seed_of(self.seed, &points.row(i).to_vec()))
            })
            .collect();
        let shape = (points.nrows(), self.layout.ncols());
        Ok(Array2::from_shape_fn(shape, |(i, c)| coordinates[i][c]))
    }

    /// Coordinates `[C]` of a new point with the edges to its neighbors.
    fn embed(&self, edges: &[Edge], seed: u64) -> Vec<f32> {
        let layout = self.points_of_layout();
        let mut point = self.start(edges);
        let mut repulsion = Repulsion::new(&self.forces, layout, Keyed::new(seed, 0, 0));
        for epoch in Epoch::all(self.params.epochs / EPOCHS_SHARE, FIRST_STEP) {
            for edge in edges.iter().filter(|edge| epoch.includes(edge.weight)) {
                let neighbor = layout.row(edge.tail);
                let factor = self.forces.attraction(&point, neighbor);
                for (to, from) in point.iter_mut().zip(neighbor) {
                    *to += epoch.step(factor, *to - from);
                }
                repulsion.act(&mut point, None, epoch);
            }
        }
        point
    }

    /// Mean of the neighbors' coordinates, weighted by membership; those of a coinciding point, if there is one.
    fn start(&self, edges: &[Edge]) -> Vec<f32> {
        let coinciding = edges.iter().take_while(|edge| edge.weight >= 1.0).count();
        let edges = &edges[..if coinciding > 0 { 1 } else { edges.len() }];
        let sum: f32 = edges.iter().map(|edge| edge.weight).sum();
        let mut point = vec![0.0; self.layout.ncols()];
        for edge in edges {
            for (to, from) in point.iter_mut().zip(self.points_of_layout().row(edge.tail)) {
                *to += edge.weight / sum * from;
            }
        }
        point
    }

    fn points_of_layout(&self) -> Points<'_> {
        let coordinates = self.layout.as_slice().expect("made in standard layout");
        Points::new(coordinates, self.layout.ncols())
    }
}

/// Edges of a new point to its neighbors.
fn edges(indices: ArrayView1<'_, u32>, distances: ArrayView1<'_, f32>) -> Vec<Edge> {
    let strengths = memberships(&distances.to_vec());
    let pairs = indices.iter().zip(strengths);
    pairs
        .map(|(&index, weight)| Edge {
            head: 0,
            tail: index as usize,
            weight,
        })
        .collect()
}
