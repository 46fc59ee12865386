//! The layout: edges attract their ends, random pairs repel each other.
//!
//! Steps are sequential, and each random pair is named by seed, edge and epoch, so the embedding is the same for any
//! number of threads.

use ndarray::Array2;

use super::Curve;
use super::graph::Edge;
use crate::random::Keyed;

/// Bound of a step along one coordinate, as in umap-learn.
const LONGEST_STEP: f32 = 4.0;
/// Keeps the repulsion of nearly coinciding points finite, as in umap-learn.
const SOFTENING: f32 = 0.001;

/// Parameters of attraction and repulsion.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forces {
    pub(super) curve: Curve,
    /// Random pairs for each edge.
    pub(super) negative_samples: usize,
    pub(super) seed: u64,
}

/// Moves the points of `embedding` `[N, C]` for some epochs, by steps that shrink linearly to 0 (McInnes, Healy,
/// Melville 2018, algorithm 5, on umap-learn's schedule).
///
/// The heaviest edge acts in each epoch, one of half its weight in every other; edges that would act less than once are
/// left out.
pub(super) fn optimize(
    embedding: &mut Array2<f32>,
    edges: &[Edge],
    epochs: usize,
    forces: &Forces,
) {
    let heaviest = edges.iter().map(|edge| edge.weight).fold(0.0, f32::max);
    let mut schedules = schedules(edges, heaviest, epochs, forces.negative_samples);
    let n_components = embedding.ncols();
    let coordinates = embedding
        .as_slice_mut()
        .expect("the start is in standard layout");
    let mut layout = Layout {
        coordinates,
        n_components,
        gradient: Gradient::new(forces.curve),
        alpha: 1.0,
    };
    let n_points = layout.coordinates.len() / n_components;
    for epoch in 0..epochs {
        layout.alpha = 1.0 - epoch as f32 / epochs as f32;
        for (i, schedule) in schedules.iter_mut().enumerate() {
            let Some(n_negative) = schedule.due(epoch as f64) else {
                continue;
            };
            layout.attract(schedule.edge);
            let mut random = Keyed::new(forces.seed, i as u64, epoch as u64);
            for _ in 0..n_negative {
                layout.repel(schedule.edge.head, random.below(n_points));
            }
        }
    }
}

/// Epochs in which an edge acts.
pub(super) struct Schedule {
    pub(super) edge: Edge,
    period: f64,
    next: f64,
    negative_period: f64,
    next_negative: f64,
}

/// The schedules of the edges that act at least once in `epochs`, where one of weight `always` acts in each.
pub(super) fn schedules(
    edges: &[Edge],
    always: f32,
    epochs: usize,
    negative_samples: usize,
) -> Vec<Schedule> {
    let lightest = always / epochs as f32;
    let acting = edges.iter().filter(|edge| edge.weight >= lightest);
    acting
        .map(|&edge| {
            let period = f64::from(always) / f64::from(edge.weight);
            // Without negative samples the period is infinite and none is ever due.
            let negative_period = period / negative_samples as f64;
            Schedule {
                edge,
                period,
                next: period,
                negative_period,
                next_negative: negative_period,
            }
        })
        .collect()
}

impl Schedule {
    /// Number of random pairs of the edge if it acts in this epoch.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a count of pairs, rounded down on purpose"
    )]
    #[expect(
        clippy::cast_sign_loss,
        reason = "a float below 0 becomes 0, which is what is meant"
    )]
    pub(super) fn due(&mut self, epoch: f64) -> Option<usize> {
        if self.next > epoch {
            return None;
        }
        self.next += self.period;
        if self.negative_period.is_infinite() {
            return Some(0);
        }
        let n_negative = ((epoch - self.next_negative) / self.negative_period) as usize;
        self.next_negative += n_negative as f64 * self.negative_period;
        Some(n_negative)
    }
}

/// Derivatives of the cross-entropy by the squared distance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gradient {
    a: f32,
    b: f32,
}

impl Gradient {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an embedding has single precision"
    )]
    pub(super) fn new(curve: Curve) -> Self {
        Self {
            a: curve.a as f32,
            b: curve.b as f32,
        }
    }

    pub(super) fn attraction(&self, squared: f32) -> f32 {
        if squared > 0.0 {
            let power = squared.powf(self.b);
            -2.0 * self.a * self.b * power / squared / (self.a * power + 1.0)
        } else {
            0.0
        }
    }

    pub(super) fn repulsion(&self, squared: f32) -> f32 {
        if squared > 0.0 {
            2.0 * self.b / ((SOFTENING + squared) * (self.a * squared.powf(self.b) + 1.0))
        } else {
            0.0
        }
    }
}

struct Layout<'a> {
    /// `[N, C]`, row by row.
    coordinates: &'a mut [f32],
    n_components: usize,
    gradient: Gradient,
    /// Length of a step, from 1 to 0.
    alpha: f32,
}

impl Layout<'_> {
    fn attract(&mut self, edge: Edge) {
        let (i, j) = (edge.head * self.n_components, edge.tail * self.n_components);
        let factor = self.gradient.attraction(self.squared_distance(i, j));
        for c in 0..self.n_components {
            let step = self.step(factor, i + c, j + c);
            self.coordinates[i + c] += step;
            self.coordinates[j + c] -= step;
        }
    }

    fn repel(&mut self, head: usize, other: usize) {
        if head == other {
            return;
        }
        let (i, j) = (head * self.n_components, other * self.n_components);
        let factor = self.gradient.repulsion(self.squared_distance(i, j));
        for c in 0..self.n_components {
            self.coordinates[i + c] += self.step(factor, i + c, j + c);
        }
    }

    fn squared_distance(&self, i: usize, j: usize) -> f32 {
        squared_distance(
            &self.coordinates[i..i + self.n_components],
            &self.coordinates[j..j + self.n_components],
        )
    }

    fn step(&self, factor: f32, i: usize, j: usize) -> f32 {
        step(factor, self.coordinates[i] - self.coordinates[j]) * self.alpha
    }
}

/// Squared distance of two points of the embedding.
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The bounded step along one coordinate for a difference of two points in it; its length is to be multiplied.
pub(super) fn step(factor: f32, difference: f32) -> f32 {
    (factor * difference).clamp(-LONGEST_STEP, LONGEST_STEP)
}
