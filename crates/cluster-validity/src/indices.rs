//! The indices.

use numeric::{Columns, Matrix};
use rayon::prelude::*;

/// More or fewer labels than points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("labels: found {found}, expected {expected}, one for each point")]
pub struct LabelCountError {
    /// Number of labels.
    pub found: usize,
    /// Number of points.
    pub expected: usize,
}

/// Mean silhouette (Rousseeuw 1987), in `[−1, 1]`, higher is better: the mean over the points of `(b − a) / max(a, b)`
/// with `a` the mean distance to the others of its label and `b` that to the nearest other label. A point alone in its
/// label counts 0.
///
/// # Errors
/// `labels` is not as long as `points`.
pub fn silhouette(points: &Matrix, labels: &[usize]) -> Result<Option<f64>, LabelCountError> {
    let of_one = silhouettes(points, &[labels])?;
    Ok(of_one.into_iter().next().flatten())
}

/// The [`silhouette`] of each of many partitions of the same points, whose distances are computed once.
///
/// # Errors
/// A partition is not as long as `points`.
pub fn silhouettes(
    points: &Matrix,
    partitions: &[&[usize]],
) -> Result<Vec<Option<f64>>, LabelCountError> {
    let n_points = points.n_rows();
    let partitions = partitions.iter().map(|labels| Clusters::of(points, labels));
    let partitions: Vec<Option<Clusters>> = partitions.collect::<Result<_, _>>()?;
    if partitions.iter().all(Option::is_none) {
        return Ok(vec![None; partitions.len()]);
    }
    let columns = Columns::new(n_points, points.n_columns(), |point, d| points.at(point, d));
    let of_point = |distances: &mut Vec<f64>, point: usize| -> Vec<Option<f64>> {
        columns.squared_distances(&columns.point(point), distances);
        distances.iter_mut().for_each(|it| *it = it.sqrt());
        let of_partition = |clusters: &Clusters| clusters.silhouette_of(point, distances);
        let partitions = partitions.iter().map(Option::as_ref);
        partitions.map(|it| it.map(of_partition)).collect()
    };
    let by_point: Vec<Vec<Option<f64>>> = (0..n_points)
        .into_par_iter()
        .map_init(|| vec![0.0; n_points], of_point)
        .collect();
    let mean = |partition: usize| {
        let sum: Option<f64> = by_point.iter().map(|values| values[partition]).sum();
        sum.map(|sum| sum / n_points as f64)
    };
    Ok((0..partitions.len()).map(mean).collect())
}

/// Davies-Bouldin index (Davies and Bouldin 1979), at least 0, lower is better: the mean over the labels of the worst
/// `(s_i + s_j) / d_ij` with `s` the mean distance to the label's center and `d_ij` that between centers. 0 when every
/// point is at its center or all centers coincide, both within 1e-8.
///
/// # Errors
/// `labels` is not as long as `points`.
pub fn davies_bouldin(points: &Matrix, labels: &[usize]) -> Result<Option<f64>, LabelCountError> {
    let Some(clusters) = Clusters::of(points, labels)? else {
        return Ok(None);
    };
    let centers = clusters.centers(points);
    let mut spread = vec![0.0; centers.len()];
    for (point, &cluster) in clusters.of_point.iter().enumerate() {
        spread[cluster] += squared(points.row(point), &centers[cluster]).sqrt();
    }
    for (spread, &size) in spread.iter_mut().zip(&clusters.sizes) {
        *spread /= size as f64;
    }
    let between = |i: usize, j: usize| squared(&centers[i], &centers[j]).sqrt();
    let pairs = || (0..centers.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    if spread.iter().all(|s| *s <= ZERO) || pairs().all(|(i, j)| between(i, j) <= ZERO) {
        return Ok(Some(0.0));
    }
    let worst = |i: usize| {
        let others = (0..centers.len()).filter(|&j| between(i, j) > 0.0);
        others
            .map(|j| (spread[i] + spread[j]) / between(i, j))
            .fold(0.0, f64::max)
    };
    let sum: f64 = (0..centers.len()).map(worst).sum();
    Ok(Some(sum / centers.len() as f64))
}

/// Calinski-Harabasz index (Caliński and Harabasz 1974), at least 0, higher is better: the squared distances between
/// centers and the mean of all, over those within labels, each by its degrees of freedom. 1 when no point is off its
/// center.
///
/// # Errors
/// `labels` is not as long as `points`.
pub fn calinski_harabasz(
    points: &Matrix,
    labels: &[usize],
) -> Result<Option<f64>, LabelCountError> {
    let Some(clusters) = Clusters::of(points, labels)? else {
        return Ok(None);
    };
    let centers = clusters.centers(points);
    let weighted = centers.iter().zip(&clusters.sizes);
    let mut middle = vec![0.0; points.n_columns()];
    for (center, &size) in weighted.clone() {
        for (m, c) in middle.iter_mut().zip(center) {
            *m += c * size as f64 / points.n_rows() as f64;
        }
    }
    let between: f64 = weighted
        .map(|(center, &size)| size as f64 * squared(center, &middle))
        .sum();
    let assigned = clusters.of_point.iter().enumerate();
    let within: f64 = assigned
        .map(|(point, &cluster)| squared(points.row(point), &centers[cluster]))
        .sum();
    if within <= 0.0 {
        return Ok(Some(1.0));
    }
    let freedom = (points.n_rows() - centers.len()) as f64 / (centers.len() - 1) as f64;
    Ok(Some(between / within * freedom))
}

/// Tolerance below which scikit-learn's Davies-Bouldin index takes a value for 0.
const ZERO: f64 = 1e-8;

/// Labels numbered from 0 without gaps.
struct Clusters {
    of_point: Vec<usize>,
    sizes: Vec<usize>,
}

impl Clusters {
    /// `None` for one label, or as many as points.
    fn of(points: &Matrix, labels: &[usize]) -> Result<Option<Self>, LabelCountError> {
        if labels.len() != points.n_rows() {
            return Err(LabelCountError {
                found: labels.len(),
                expected: points.n_rows(),
            });
        }
        let mut distinct = labels.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < 2 || distinct.len() >= points.n_rows() {
            return Ok(None);
        }
        let number = |label: &usize| distinct.partition_point(|other| other < label);
        let of_point: Vec<usize> = labels.iter().map(number).collect();
        let mut sizes = vec![0; distinct.len()];
        for &cluster in &of_point {
            sizes[cluster] += 1;
        }
        Ok(Some(Self { of_point, sizes }))
    }

    /// Means, `[clusters, D]`.
    fn centers(&self, points: &Matrix) -> Vec<Vec<f64>> {
        let mut centers = vec![vec![0.0; points.n_columns()]; self.sizes.len()];
        for (point, &cluster) in self.of_point.iter().enumerate() {
            for (sum, value) in centers[cluster].iter_mut().zip(points.row(point)) {
                *sum += f64::from(*value);
            }
        }
        for (center, &size) in centers.iter_mut().zip(&self.sizes) {
            center.iter_mut().for_each(|sum| *sum /= size as f64);
        }
        centers
    }

    /// `distances` are those from `point` to all points.
    fn silhouette_of(&self, point: usize, distances: &[f64]) -> f64 {
        let own = self.of_point[point];
        if self.sizes[own] == 1 {
            return 0.0;
        }
        let mut sums = vec![0.0; self.sizes.len()];
        for (distance, &cluster) in distances.iter().zip(&self.of_point) {
            sums[cluster] += distance;
        }
        let within = sums[own] / (self.sizes[own] - 1) as f64;
        let others = sums.iter().zip(&self.sizes).enumerate();
        let nearest = others
            .filter(|(cluster, _)| *cluster != own)
            .map(|(_, (sum, &size))| sum / size as f64)
            .fold(f64::INFINITY, f64::min);
        let scale = within.max(nearest);
        if scale <= 0.0 {
            return 0.0;
        }
        (nearest - within) / scale
    }
}

/// Squared distance.
fn squared<T: Copy + Into<f64>>(a: &[T], b: &[f64]) -> f64 {
    let pairs = a.iter().zip(b);
    pairs.map(|(&a, b)| (a.into() - b).powi(2)).sum()
}
