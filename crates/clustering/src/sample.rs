//! Clusters of a sample of the points, to which the other points are added.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use crate::random::Keyed;

/// Sample of points that clusters are fitted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Indices, ascending.
    rows: Vec<usize>,
    n_points: usize,
}

impl Sample {
    /// `most` of `n_points` points, drawn by `seed` without replacement, each set equally likely; all of them if there
    /// are no more.
    #[must_use]
    pub fn draw(n_points: usize, most: usize, seed: u64) -> Self {
        let mut rows: Vec<usize> = (0..n_points).collect();
        if n_points > most {
            rows.sort_by_cached_key(|&row| (Keyed::new(seed, row as u64, 0).bits(), row));
            rows.truncate(most);
            rows.sort_unstable();
        }
        Self { rows, n_points }
    }

    /// The indices drawn, ascending.
    #[must_use]
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Returns whether all points are drawn.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.rows.len() == self.n_points
    }

    /// The drawn rows of `points` `[N, D]`.
    #[must_use]
    pub fn of(&self, points: ArrayView2<'_, f32>) -> Array2<f32> {
        points.select(Axis(0), &self.rows)
    }

    /// `[N]`, the clusters of all `points` `[N, D]`, given those of the drawn ones: another point is in the cluster whose
    /// drawn points have the nearest mean, of equally near ones the lowest.
    ///
    /// # Panics
    /// If there isn't one label for each drawn point.
    #[must_use]
    pub fn extend(&self, points: ArrayView2<'_, f32>, labels: &[u32]) -> Vec<u32> {
        assert_eq!(labels.len(), self.rows.len(), "one label a drawn point");
        if self.is_all() {
            return labels.to_vec();
        }
        let centers = centers(self.of(points).view(), labels);
        let mut all: Vec<u32> = (0..points.nrows())
            .into_par_iter()
            .map(|row| nearest(points.row(row), &centers))
            .collect();
        for (&row, &label) in self.rows.iter().zip(labels) {
            all[row] = label;
        }
        all
    }
}

/// The mean of each cluster; none for a number without points.
fn centers(points: ArrayView2<'_, f32>, labels: &[u32]) -> Vec<Option<Vec<f64>>> {
    let n_clusters = labels.iter().max().map_or(0, |&last| last as usize + 1);
    let mut sums = vec![(0_u32, vec![0.0; points.ncols()]); n_clusters];
    for (point, &label) in points.rows().into_iter().zip(labels) {
        let (size, sum) = &mut sums[label as usize];
        *size += 1;
        sum.iter_mut()
            .zip(point)
            .for_each(|(sum, &v)| *sum += f64::from(v));
    }
    let mean = |(size, sum): (u32, Vec<f64>)| {
        (size > 0).then(|| sum.into_iter().map(|sum| sum / f64::from(size)).collect())
    };
    sums.into_iter().map(mean).collect()
}

fn nearest(point: ArrayView1<'_, f32>, centers: &[Option<Vec<f64>>]) -> u32 {
    let mut best = (f64::INFINITY, 0);
    for (label, center) in (0_u32..).zip(centers) {
        let Some(center) = center else { continue };
        let pairs = point.iter().zip(center);
        let squared: f64 = pairs.map(|(&v, c)| (f64::from(v) - c).powi(2)).sum();
        if squared < best.0 {
            best = (squared, label);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_sample_has_its_size_and_depends_on_the_seed_alone() {
        let sample = Sample::draw(1000, 100, 7);
        assert_eq!(sample.rows().len(), 100);
        assert!(sample.rows().windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(sample, Sample::draw(1000, 100, 7));
        assert_ne!(sample, Sample::draw(1000, 100, 8));
        assert!(!sample.is_all());
        assert_eq!(Sample::draw(3, 3, 7).rows(), [0, 1, 2]);
        assert!(Sample::draw(3, 9, 7).is_all());
    }

    #[test]
    fn other_points_join_the_nearest_center() {
        // Drawn: 0 and 2 in cluster 0 with mean 1, 10 in cluster 1. The middle between 1 and 10 is 5.5.
        let points = array![[0.0], [5.0], [2.0], [10.0], [6.0], [5.5]];
        let sample = Sample {
            rows: vec![0, 2, 3],
            n_points: 6,
        };
        assert_eq!(sample.of(points.view()), array![[0.0], [2.0], [10.0]]);
        let labels = sample.extend(points.view(), &[0, 0, 1]);
        assert_eq!(labels, [0, 0, 0, 1, 1, 0]);
    }
}
