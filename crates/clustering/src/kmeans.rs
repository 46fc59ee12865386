//! K-means, restarted many times; the best result is returned.

mod restart;

use ndarray::{Array2, ArrayView2};
use numeric::Columns;
use rayon::prelude::*;

use crate::ClusterError;
use crate::labels::by_first_appearance;
use crate::points::{check_finite, count_distinct};
use crate::random::Keyed;
use restart::restart;

/// Parameters of k-means.
#[derive(Clone, Copy, Debug)]
pub struct KMeansParams {
    /// Number of restarts, at least 1; a single one often ends in a poor local optimum.
    pub n_init: usize,
    /// Seed from which each restart derives its own.
    pub seed: u64,
}

/// A partition by k-means.
#[derive(Clone, Debug, PartialEq)]
pub struct KMeansFit {
    /// `[N]`, the cluster of each point, numbered by first appearance.
    pub labels: Vec<u32>,
    /// `[K, D]`, the mean of each cluster.
    pub centers: Array2<f64>,
    /// Sum of the squared distances of the points to their centers.
    pub inertia: f64,
}

/// The partition of points `[N, D]` into `k` clusters with the least inertia of many restarts.
///
/// # Errors
/// `k` is 0 or exceeds the number of distinct points, `n_init` is 0, or a coordinate is not finite.
pub fn kmeans(
    points: ArrayView2<'_, f32>,
    k: usize,
    params: &KMeansParams,
) -> Result<KMeansFit, ClusterError> {
    check(points, k, params)?;
    if k == 1 {
        return Ok(fit_of_labels(points, vec![0; points.nrows()]));
    }
    let (n_points, n_columns) = points.dim();
    let columns = Columns::new(n_points, n_columns, |point, column| points[[point, column]]);
    let fits: Vec<KMeansFit> = (0..params.n_init)
        .into_par_iter()
        .map(|start| {
            let random = Keyed::new(params.seed, k as u64, start as u64);
            fit_of_labels(points, by_first_appearance(restart(&columns, k, random)))
        })
        .collect();
    // A restart that lost a cluster may be below none that kept all; ties go to the first restart.
    let best = fits.into_iter().min_by(|a, b| {
        b.centers
            .nrows()
            .cmp(&a.centers.nrows())
            .then(a.inertia.total_cmp(&b.inertia))
    });
    Ok(best.expect("there is at least one start"))
}

fn check(points: ArrayView2<'_, f32>, k: usize, params: &KMeansParams) -> Result<(), ClusterError> {
    check_finite(points)?;
    if params.n_init == 0 {
        return Err(ClusterError::Parameter {
            name: "n_init",
            found: "0".into(),
            expected: "at least 1",
        });
    }
    // Each cluster starts from another point.
    let distinct = count_distinct(points);
    if k == 0 || k > distinct {
        return Err(ClusterError::ClusterCount { k, distinct });
    }
    Ok(())
}

/// Centers and inertia of a partition.
fn fit_of_labels(points: ArrayView2<'_, f32>, labels: Vec<u32>) -> KMeansFit {
    let k = labels.iter().max().map_or(0, |&last| last as usize + 1);
    let mut centers = Array2::zeros((k, points.ncols()));
    let mut sizes = vec![0.0; k];
    for (point, &label) in points.rows().into_iter().zip(&labels) {
        sizes[label as usize] += 1.0;
        centers
            .row_mut(label as usize)
            .zip_mut_with(&point, |sum: &mut f64, &v| *sum += f64::from(v));
    }
    for (mut center, &size) in centers.rows_mut().into_iter().zip(&sizes) {
        center /= size;
    }
    let inertia = points
        .rows()
        .into_iter()
        .zip(&labels)
        .map(|(point, &label)| {
            let center = centers.row(label as usize);
            point
                .iter()
                .zip(center)
                .map(|(&v, &c)| (f64::from(v) - c).powi(2))
                .sum::<f64>()
        })
        .sum();
    KMeansFit {
        labels,
        centers,
        inertia,
    }
}

#[cfg(test)]
mod tests;
