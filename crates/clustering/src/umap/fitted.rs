//! Embedding of new points among fitted ones.

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::graph::Edge;
use super::layout::{Gradient, Schedule, schedules, squared_distance, step};
use super::params::{UmapParams, check};
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
    gradient: Gradient,
    params: UmapParams,
    seed: u64,
}

impl FittedUmap {
    /// The embedding `layout` `[N, C]` of `points` `[N, D]`: the result of [`super::Umap::embed`] with the same
    /// `params`, or the same read from a table.
    ///
    /// # Errors
    /// There is no point, or not one row of coordinates for each; a coordinate is not finite; a parameter is out of its
    /// range.
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
        Ok(Self {
            points: points.as_standard_layout().into_owned(),
            layout: layout.as_standard_layout().into_owned(),
            gradient: Gradient::new(Curve::fit(params.min_dist, params.spread)?),
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
        let epochs = self.params.epochs / EPOCHS_SHARE;
        let mut point = self.start(edges);
        let mut schedules = schedules(edges, 1.0, epochs, self.params.negative_samples);
        for epoch in 0..epochs {
            let alpha = FIRST_STEP * (1.0 - epoch as f32 / epochs as f32);
            for (i, schedule) in schedules.iter_mut().enumerate() {
                let random = Keyed::new(seed, i as u64, epoch as u64);
                self.act(&mut point, schedule, epoch, alpha, random);
            }
        }
        point
    }

    /// Applies one edge and its random points, if it is due.
    fn act(
        &self,
        point: &mut [f32],
        schedule: &mut Schedule,
        epoch: usize,
        alpha: f32,
        mut random: Keyed,
    ) {
        let Some(n_negative) = schedule.due(epoch as f64) else {
            return;
        };
        let neighbor = self.row(schedule.edge.tail);
        let factor = self.gradient.attraction(squared_distance(point, neighbor));
        shift(point, neighbor, factor, alpha);
        for _ in 0..n_negative {
            let other = self.row(random.below(self.layout.nrows()));
            let factor = self.gradient.repulsion(squared_distance(point, other));
            shift(point, other, factor, alpha);
        }
    }

    /// Mean of the neighbors' coordinates, weighted by membership; those of a coinciding point, if there is one.
    fn start(&self, edges: &[Edge]) -> Vec<f32> {
        let coinciding = edges.iter().take_while(|edge| edge.weight >= 1.0).count();
        let edges = &edges[..if coinciding > 0 { 1 } else { edges.len() }];
        let sum: f32 = edges.iter().map(|edge| edge.weight).sum();
        let mut point = vec![0.0; self.layout.ncols()];
        for edge in edges {
            for (to, from) in point.iter_mut().zip(self.row(edge.tail)) {
                *to += edge.weight / sum * from;
            }
        }
        point
    }

    fn row(&self, i: usize) -> &[f32] {
        let n_components = self.layout.ncols();
        let all = self.layout.as_slice().expect("made in standard layout");
        &all[i * n_components..(i + 1) * n_components]
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

fn shift(point: &mut [f32], other: &[f32], factor: f32, alpha: f32) {
    for (to, from) in point.iter_mut().zip(other) {
        *to += step(factor, *to - from) * alpha;
    }
}
