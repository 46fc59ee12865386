//! The forces of the layout: neighbors attract, random points repel.

use super::Curve;
use crate::random::Keyed;

/// Bound of a step along one coordinate, as in umap-learn.
const LONGEST_STEP: f32 = 4.0;
/// Keeps the repulsion of nearly coinciding points finite, as in umap-learn.
const SOFTENING: f32 = 0.001;

/// Derivatives of the cross-entropy by the squared distance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forces {
    a: f32,
    b: f32,
    /// Random points for each neighbor that acts.
    negative_samples: usize,
}

impl Forces {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an embedding has single precision"
    )]
    pub(super) fn new(curve: Curve, negative_samples: usize) -> Self {
        Self {
            a: curve.a as f32,
            b: curve.b as f32,
            negative_samples,
        }
    }

    /// Factor of the difference of two neighbors, below 0; 0 if they coincide, or if their distance overflows.
    pub(super) fn attraction(&self, a: &[f32], b: &[f32]) -> f32 {
        let squared = squared_distance(a, b);
        if squared > 0.0 && squared.is_finite() {
            let power = squared.powf(self.b);
            -2.0 * self.a * self.b * power / squared / (self.a * power + 1.0)
        } else {
            0.0
        }
    }

    /// Factor of the difference of two points, above 0; 0 if they coincide.
    fn repulsion(&self, a: &[f32], b: &[f32]) -> f32 {
        let squared = squared_distance(a, b);
        if squared > 0.0 {
            2.0 * self.b / ((SOFTENING + squared) * (self.a * squared.powf(self.b) + 1.0))
        } else {
            0.0
        }
    }
}

/// An epoch: some edges act in it, by steps of its length.
#[derive(Clone, Copy)]
pub(super) struct Epoch {
    pub(super) number: usize,
    /// Length of a step.
    alpha: f32,
}

impl Epoch {
    /// Epochs over which the steps shrink linearly from `first_step` to 0.
    pub(super) fn all(epochs: usize, first_step: f32) -> impl Iterator<Item = Self> {
        (0..epochs).map(move |number| Self {
            number,
            alpha: first_step * (1.0 - number as f32 / epochs as f32),
        })
    }

    /// True if an edge acts that does so in `share` of the epochs, evenly: after `n` of them it has acted `n · share`
    /// times, rounded down.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, rounded down on purpose"
    )]
    pub(super) fn includes(self, share: f32) -> bool {
        let acted = |epochs: usize| (epochs as f32 * share) as u32;
        acted(self.number + 1) > acted(self.number)
    }

    /// The bounded step along one coordinate, given the factor of a force and a difference of two points.
    pub(super) fn step(self, factor: f32, difference: f32) -> f32 {
        (factor * difference).clamp(-LONGEST_STEP, LONGEST_STEP) * self.alpha
    }
}

/// Points of an embedding.
#[derive(Clone, Copy)]
pub(super) struct Points<'a> {
    /// `[N, C]`, row by row.
    coordinates: &'a [f32],
    n_components: usize,
}

impl<'a> Points<'a> {
    pub(super) fn new(coordinates: &'a [f32], n_components: usize) -> Self {
        Self {
            coordinates,
            n_components,
        }
    }

    pub(super) fn row(self, i: usize) -> &'a [f32] {
        &self.coordinates[i * self.n_components..][..self.n_components]
    }

    fn len(self) -> usize {
        self.coordinates.len() / self.n_components
    }
}

/// Repulsion by random points that stay where they are.
pub(super) struct Repulsion<'a> {
    pub(super) forces: &'a Forces,
    others: Points<'a>,
    random: Keyed,
    /// Coordinates `[C]` of the point that is repelled.
    origin: Vec<f32>,
}

impl<'a> Repulsion<'a> {
    pub(super) fn new(forces: &'a Forces, others: Points<'a>, random: Keyed) -> Self {
        Self {
            forces,
            others,
            random,
            origin: vec![0.0; others.n_components],
        }
    }

    /// Moves a point away from random others but `own`, by the sum of the steps from its position.
    ///
    /// umap-learn applies each step before it computes the next. Such steps depend on each other, and take half as long
    /// again.
    pub(super) fn act(&mut self, point: &mut [f32], own: Option<usize>, epoch: Epoch) {
        self.origin.copy_from_slice(point);
        for _ in 0..self.forces.negative_samples {
            let other = self.random.below(self.others.len());
            if own == Some(other) {
                continue;
            }
            let other = self.others.row(other);
            let factor = self.forces.repulsion(&self.origin, other);
            for ((to, from), other) in point.iter_mut().zip(&self.origin).zip(other) {
                *to += epoch.step(factor, from - other);
            }
        }
    }
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
