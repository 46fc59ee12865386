//! Agglomerative clusters by Ward's criterion.

use kodama::{Method, linkage};
use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::ClusterError;
use crate::labels::by_first_appearance;
use crate::points::{check_finite, squared_distance};

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
    /// Holds the `N (N - 1) / 2` distances in memory, 8 bytes each.
    ///
    /// # Errors
    /// A coordinate is not finite.
    pub fn ward(points: ArrayView2<'_, f32>) -> Result<Self, ClusterError> {
        check_finite(points)?;
        let n_points = points.nrows();
        if n_points < 2 {
            return Ok(Self {
                n_points,
                merges: Vec::new(),
                heights: Vec::new(),
            });
        }
        let tree = linkage(&mut condensed_distances(points), n_points, Method::Ward);
        Ok(Self {
            n_points,
            merges: tree
                .steps()
                .iter()
                .map(|step| (step.cluster1, step.cluster2))
                .collect(),
            heights: tree.steps().iter().map(|step| step.dissimilarity).collect(),
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

/// Euclidean distances of all pairs, row by row of the upper triangle.
fn condensed_distances(points: ArrayView2<'_, f32>) -> Vec<f64> {
    let n = points.nrows();
    (0..n)
        .into_par_iter()
        .flat_map_iter(|i| {
            (i + 1..n).map(move |j| squared_distance(points.row(i), points.row(j)).sqrt())
        })
        .collect()
}

#[cfg(test)]
mod tests;
