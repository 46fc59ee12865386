//! Agglomerative clusters by Ward's criterion, in memory that grows with the number of points alone.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::ClusterError;
use crate::labels::by_first_appearance;
use crate::points::check_finite;

/// Clusters scanned by one task; fewer are scanned by the calling thread.
const CHUNK: usize = 2048;

/// The tree of merges, from single points to one cluster.
#[derive(Clone, Debug)]
pub struct Dendrogram {
    n_points: usize,
    /// Pairs of clusters in the order of their heights: below `n_points` a point, else the merge of that number.
    merges: Vec<(usize, usize)>,
    heights: Vec<f64>,
}

impl Dendrogram {
    /// Merges points `[N, D]` so that the sum of squared distances to the centers grows least (Ward 1963); heights are
    /// those of scipy's `linkage(method="ward")`.
    ///
    /// Follows chains of nearest neighbors (Murtagh 1983) and computes distances from the clusters' centers and sizes
    /// (Müllner 2013, section 3.1.2), so that memory is `O(N D)`; the time is `O(N² D)`.
    ///
    /// # Errors
    /// A coordinate is not finite.
    pub fn ward(points: ArrayView2<'_, f32>) -> Result<Self, ClusterError> {
        check_finite(points)?;
        let mut steps = Clusters::of_points(points).merge_all();
        // A chain finds merges out of order. The sort is stable, so that of equal heights inner merges stay first.
        steps.sort_by(|a, b| a.height.total_cmp(&b.height));
        Ok(Self {
            n_points: points.nrows(),
            merges: numbered(points.nrows(), &steps),
            heights: steps.iter().map(|step| step.height).collect(),
        })
    }

    /// `[N - 1]`, the distance at which each merge happened, ascending.
    #[must_use]
    pub fn heights(&self) -> &[f64] {
        &self.heights
    }

    /// `[N]`, the cluster of each point when merging stops at `k` clusters, numbered by first appearance.
    ///
    /// # Errors
    /// `k` is 0 or exceeds the number of points.
    pub fn cut(&self, k: usize) -> Result<Vec<u32>, ClusterError> {
        if k == 0 || k > self.n_points {
            return Err(ClusterError::ClusterCount {
                k,
                distinct: self.n_points,
            });
        }
        let kept = self.n_points - k;
        let mut parent: Vec<usize> = (0..self.n_points + kept).collect();
        for (i, &(a, b)) in self.merges[..kept].iter().enumerate() {
            parent[a] = self.n_points + i;
            parent[b] = self.n_points + i;
        }
        // A merge comes after what it merges, so one sweep from the end carries the roots down.
        for node in (0..parent.len()).rev() {
            parent[node] = parent[parent[node]];
        }
        Ok(by_first_appearance(parent.into_iter().take(self.n_points)))
    }
}

/// A merge of the clusters of two points.
struct Step {
    points: (usize, usize),
    height: f64,
}

/// The remaining clusters; each has the number of one of its points.
struct Clusters {
    dimensions: usize,
    /// `[N, D]`, the means of the clusters.
    centers: Vec<f64>,
    /// `[N]`.
    sizes: Vec<f64>,
    /// Numbers of the clusters, ascending.
    active: Vec<usize>,
}

impl Clusters {
    fn of_points(points: ArrayView2<'_, f32>) -> Self {
        Self {
            dimensions: points.ncols(),
            centers: points.iter().map(|&v| f64::from(v)).collect(),
            sizes: vec![1.0; points.nrows()],
            active: (0..points.nrows()).collect(),
        }
    }

    /// Merges reciprocal nearest neighbors until one cluster is left.
    fn merge_all(mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut chain: Vec<usize> = Vec::new();
        while self.active.len() > 1 {
            let last = *chain.last().unwrap_or(&self.active[0]);
            if chain.is_empty() {
                chain.push(last);
            }
            let before = chain.len().checked_sub(2).map(|place| chain[place]);
            let (squared, nearest) = self.nearest(last, before);
            if Some(nearest) == before {
                chain.truncate(chain.len() - 2);
                self.merge(last, nearest);
                steps.push(Step {
                    points: (last, nearest),
                    height: squared.sqrt(),
                });
            } else {
                chain.push(nearest);
            }
        }
        steps
    }

    /// The cluster nearest to `cluster`, with the squared distance: of equals `before`, then the lowest number.
    /// Otherwise a chain could be circular.
    fn nearest(&self, cluster: usize, before: Option<usize>) -> (f64, usize) {
        let of_chunk = |chunk: &[usize]| {
            let others = chunk.iter().filter(|&&other| other != cluster);
            others
                .map(|&other| (self.squared_distance(cluster, other), other))
                .fold((f64::INFINITY, usize::MAX), nearer)
        };
        let nothing = || (f64::INFINITY, usize::MAX);
        let found = if self.active.len() <= CHUNK {
            of_chunk(&self.active)
        } else {
            let chunks = self.active.par_chunks(CHUNK);
            chunks.map(of_chunk).reduce(nothing, nearer)
        };
        match before.map(|before| (self.squared_distance(cluster, before), before)) {
            Some(before) if before.0 <= found.0 => before,
            _ => found,
        }
    }

    /// Twice the growth of the sum of squares: the squared distance of two points where both are single.
    fn squared_distance(&self, a: usize, b: usize) -> f64 {
        let (n, m) = (self.sizes[a], self.sizes[b]);
        2.0 * n * m / (n + m) * squared_distance(self.center(a), self.center(b))
    }

    fn center(&self, cluster: usize) -> &[f64] {
        &self.centers[cluster * self.dimensions..][..self.dimensions]
    }

    /// Merges two clusters into one with the number of `kept`.
    fn merge(&mut self, gone: usize, kept: usize) {
        let (n, m) = (self.sizes[gone], self.sizes[kept]);
        for d in 0..self.dimensions {
            let other = self.centers[gone * self.dimensions + d];
            let center = &mut self.centers[kept * self.dimensions + d];
            *center = (*center * m + other * n) / (n + m);
        }
        self.sizes[kept] = n + m;
        let place = self.active.partition_point(|&active| active < gone);
        self.active.remove(place);
    }
}

fn nearer(a: (f64, usize), b: (f64, usize)) -> (f64, usize) {
    if (b.0, b.1) < (a.0, a.1) { b } else { a }
}

/// Four sums side by side, which a compiler makes one vector of.
fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest = a.remainder().iter().zip(b.remainder());
    let rest: f64 = rest.map(|(a, b)| (a - b) * (a - b)).sum();
    let mut sums = [0.0; 4];
    for (a, b) in a.zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += (a - b) * (a - b);
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// The merges as pairs of clusters, numbered as scipy does: points, then merges in their order.
fn numbered(n_points: usize, steps: &[Step]) -> Vec<(usize, usize)> {
    let mut parent: Vec<usize> = (0..n_points + steps.len()).collect();
    let mut merges = Vec::with_capacity(steps.len());
    for (number, step) in steps.iter().enumerate() {
        let (a, b) = (
            root(&mut parent, step.points.0),
            root(&mut parent, step.points.1),
        );
        parent[a] = n_points + number;
        parent[b] = n_points + number;
        merges.push((a.min(b), a.max(b)));
    }
    merges
}

fn root(parent: &mut [usize], mut node: usize) -> usize {
    while parent[node] != node {
        // Halves the path for the next one.
        parent[node] = parent[parent[node]];
        node = parent[node];
    }
    node
}

#[cfg(test)]
mod tests;
