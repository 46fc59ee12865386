//! The layout: edges attract their ends, and random points repel the head.
//!
//! The points are in blocks. In each round of an epoch every block is paired with one other or itself, and the edges of a
//! pair act one after the other, beside those of the other pairs. Random points repel from where they were before the
//! epoch, and are named by seed, pair and epoch. So the embedding is the same for any number of threads, and as
//! trustworthy as with one edge after the other.

use std::ops::Range;

use ndarray::Array2;
use rayon::prelude::*;

use super::forces::{Epoch, Forces, Points, Repulsion};
use super::graph::Edge;
use crate::random::Keyed;

/// Blocks of points, and rounds of an epoch; half as many threads have work.
const BLOCKS: usize = 16;

/// Moves the points of `embedding` `[N, C]` for some epochs, by steps that shrink linearly to 0 (McInnes, Healy,
/// Melville 2018, algorithm 5).
///
/// The heaviest edge acts in each epoch, one of half its weight in every other; edges that would act less than once are
/// left out.
pub(super) fn optimize(
    embedding: &mut Array2<f32>,
    edges: &[Edge],
    epochs: usize,
    forces: &Forces,
    seed: u64,
) {
    let (n_points, n_components) = embedding.dim();
    let rounds = rounds(edges, n_points, epochs);
    let coordinates = embedding
        .as_slice_mut()
        .expect("the start is in standard layout");
    // On a thread of rayon's: another would be woken after each round.
    rayon::scope(|_| {
        for epoch in Epoch::all(epochs, 1.0) {
            let before = coordinates.to_vec();
            let others = Points::new(&before, n_components);
            for round in &rounds {
                let moved: Vec<Vec<f32>> = round
                    .par_iter()
                    .map(|pair| {
                        let random = Keyed::new(seed, pair.number, epoch.number as u64);
                        let repulsion = Repulsion::new(forces, others, random);
                        pair.moved(coordinates, n_components, repulsion, epoch)
                    })
                    .collect();
                for (pair, moved) in round.iter().zip(moved) {
                    pair.write(&moved, coordinates, n_components);
                }
            }
        }
    });
}

/// Two blocks of points, or the same one twice, with the edges between them.
struct BlockPair {
    /// One block if it is paired with itself.
    blocks: Vec<Range<usize>>,
    edges: Vec<ActingEdge>,
    /// Names the random numbers.
    number: u64,
}

#[derive(Clone)]
struct ActingEdge {
    head: usize,
    tail: usize,
    /// Share of the epochs in which it acts, in `(0, 1]`.
    share: f32,
}

/// The pairs of blocks that have edges, by round. A block is in at most one pair of a round.
fn rounds(edges: &[Edge], n_points: usize, epochs: usize) -> Vec<Vec<BlockPair>> {
    let length = n_points.div_ceil(BLOCKS);
    let block = |number: usize| n_points.min(number * length)..n_points.min((number + 1) * length);
    let mut by_blocks = edges_by_blocks(edges, length, epochs);
    let pairs_of_round = |round: usize| {
        let pairs = (0..BLOCKS).map(|low| (low, (BLOCKS + round - low) % BLOCKS));
        let pairs = pairs.filter(|(low, high)| low <= high);
        let with_edges = pairs.map(|(low, high)| BlockPair {
            blocks: if low == high {
                vec![block(low)]
            } else {
                vec![block(low), block(high)]
            },
            edges: std::mem::take(&mut by_blocks[low][high]),
            number: (low * BLOCKS + high) as u64,
        });
        with_edges.filter(|pair| !pair.edges.is_empty()).collect()
    };
    (0..BLOCKS).map(pairs_of_round).collect()
}

/// The edges that act at least once in `epochs`, by the lower and the higher number of their ends' blocks of `length`
/// points.
fn edges_by_blocks(edges: &[Edge], length: usize, epochs: usize) -> Vec<Vec<Vec<ActingEdge>>> {
    let heaviest = edges.iter().map(|edge| edge.weight).fold(0.0, f32::max);
    let mut by_blocks = vec![vec![Vec::new(); BLOCKS]; BLOCKS];
    for &Edge { head, tail, weight } in edges {
        let share = weight / heaviest;
        if share * epochs as f32 >= 1.0 {
            let (low, high) = (head.min(tail) / length, head.max(tail) / length);
            by_blocks[low][high].push(ActingEdge { head, tail, share });
        }
    }
    by_blocks
}

impl BlockPair {
    /// The points of the blocks after an epoch, one block after the other.
    fn moved(
        &self,
        coordinates: &[f32],
        n_components: usize,
        mut repulsion: Repulsion<'_>,
        epoch: Epoch,
    ) -> Vec<f32> {
        let blocks = self.blocks.iter();
        let blocks: Vec<&[f32]> = blocks
            .map(|block| &coordinates[numbers(block, n_components)])
            .collect();
        let mut points = blocks.concat();
        for edge in self.edges.iter().filter(|edge| epoch.includes(edge.share)) {
            let row = |point: usize| {
                let position = self.position(point);
                numbers(&(position..position + 1), n_components)
            };
            let (head, tail) = (row(edge.head), row(edge.tail));
            let factor = repulsion
                .forces
                .attraction(&points[head.clone()], &points[tail.clone()]);
            for (i, j) in head.clone().zip(tail) {
                let step = epoch.step(factor, points[i] - points[j]);
                points[i] += step;
                points[j] -= step;
            }
            repulsion.act(&mut points[head], Some(edge.head), epoch);
        }
        points
    }

    /// Position of a point among those of the blocks.
    fn position(&self, point: usize) -> usize {
        let first = &self.blocks[0];
        match self.blocks.get(1) {
            Some(second) if !first.contains(&point) => first.len() + point - second.start,
            _ => point - first.start,
        }
    }

    /// Writes the points that were moved.
    fn write(&self, moved: &[f32], coordinates: &mut [f32], n_components: usize) {
        let mut moved = moved;
        for block in &self.blocks {
            let of_block = numbers(block, n_components);
            let (points, rest) = moved.split_at(of_block.len());
            coordinates[of_block].copy_from_slice(points);
            moved = rest;
        }
    }
}

/// Positions of the coordinates of some points, row by row.
fn numbers(points: &Range<usize>, n_components: usize) -> Range<usize> {
    points.start * n_components..points.end * n_components
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_edge_is_in_one_pair_and_each_block_in_one_pair_of_a_round() {
        for n in [3, 16, 17, 100] {
            let edges: Vec<Edge> = (0..n * n)
                .map(|k| (k / n, k % n))
                .filter(|(head, tail)| head != tail)
                .map(|(head, tail)| Edge {
                    head,
                    tail,
                    weight: 1.0,
                })
                .collect();
            let rounds = rounds(&edges, n, 10);
            let mut found = Vec::new();
            for round in &rounds {
                let mut moved = vec![false; n];
                for pair in round {
                    let points: Vec<usize> = pair.blocks.iter().cloned().flatten().collect();
                    for &point in &points {
                        assert!(!std::mem::replace(&mut moved[point], true), "{n} points");
                        assert_eq!(points[pair.position(point)], point);
                    }
                    let ends = pair.edges.iter().map(|edge| (edge.head, edge.tail));
                    assert!(
                        ends.clone()
                            .all(|(a, b)| points.contains(&a) && points.contains(&b))
                    );
                    found.extend(ends);
                }
            }
            found.sort_unstable();
            let expected: Vec<_> = edges.iter().map(|edge| (edge.head, edge.tail)).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn edges_act_in_their_share_of_the_epochs() {
        let acts = |share| {
            let epochs = Epoch::all(40, 1.0).filter(|epoch| epoch.includes(share));
            epochs.map(|epoch| epoch.number).collect::<Vec<_>>()
        };
        assert_eq!(acts(1.0), (0..40).collect::<Vec<_>>());
        assert_eq!(acts(0.25), (3..40).step_by(4).collect::<Vec<_>>());
        assert_eq!(acts(0.03), [33]);
        assert_eq!(acts(0.02), []);
    }
}
