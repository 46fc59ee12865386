//! Statistics of images that are none of [`Metric::ALL`](crate::Metric::ALL).

use rand_chacha::ChaCha8Rng;

use super::{bound::wilson, design::Design, distributions, interval::Interval, resampling};
use crate::MetricError;

/// Images by class and author, for intervals of statistics that a caller computes. Authors vary within classes, as in
/// [`super::intervals()`].
pub struct Clusters {
    design: Design,
}

impl Clusters {
    /// Images of these `classes` `[N]` and `units` `[N]`: the author of each, or itself where there is none.
    ///
    /// # Errors
    /// The two differ in length.
    pub fn of(classes: &[usize], units: &[usize]) -> Result<Self, MetricError> {
        if units.len() != classes.len() {
            return Err(MetricError::Length {
                list: "units",
                found: units.len(),
                expected: classes.len(),
            });
        }
        let images = classes.iter().copied().zip(units.iter().copied());
        Ok(Self {
            design: Design::of_images(images.collect()),
        })
    }

    /// Number of authors, counted in each of their classes.
    pub(crate) fn n_cells(&self) -> usize {
        self.design.n_cells()
    }

    /// Number of each image's author within its class `[N]`.
    pub(crate) fn cells(&self) -> &[usize] {
        self.design.cells()
    }

    /// Correlation of the `values` `[N]` of two images of one author within a class, in `[0, 1]`: Fleiss and Cuzick's
    /// (1979), pooled over the classes. It is 1 where no images of different authors differ.
    pub fn correlation(&self, values: &[f64]) -> f64 {
        self.design
            .spread(&self.design.centered(values))
            .correlation
    }

    /// Interval of the mean of `values` `[N]`: by the variance between authors within classes with Student's `t`, joined
    /// with the bootstrap's, whose replicate `r` draws from `rng_of(r)`. Of the differences of two values of an image it
    /// is a paired interval. `None` with no replicates, or if no class has two units.
    pub fn mean(
        &self,
        values: &[f64],
        n_replicates: u64,
        rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
    ) -> Option<Interval> {
        let n_images = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n_images;
        let [resampled] = self.resampled(n_replicates, rng_of, |weights| {
            let weighted = weights
                .iter()
                .zip(values)
                .map(|(weight, value)| weight * value);
            [weighted.sum::<f64>() / n_images]
        })?;
        let variance = self.design.spread(&self.design.centered(values)).variance;
        let reach = self.t()? * variance.sqrt() / n_images;
        let linear = Interval {
            low: mean - reach,
            high: mean + reach,
        };
        Some(linear.hull(resampled))
    }

    /// Intervals of `M` statistics by the bootstrap of authors within classes, from the images' weights `[N]`, which sum to
    /// `N`. Replicate `r` draws from `rng_of(r)`. `None` as for [`Clusters::mean`].
    pub fn resampled<const M: usize>(
        &self,
        n_replicates: u64,
        rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
        statistics: impl Fn(&[f64]) -> [f64; M] + Sync,
    ) -> Option<[Interval; M]> {
        if n_replicates == 0 {
            return None;
        }
        let t = self.t()?;
        let replicates = resampling::replicates(&self.design, n_replicates, rng_of, |weights| {
            statistics(&self.design.image_weights(weights))
        });
        let intervals = resampling::percentiles(replicates.into_iter(), t);
        intervals.try_into().ok()
    }

    /// Wilson's interval of the share of `n_hits` among `images`, whose number is divided by the design effect of authors
    /// with this `correlation` of their images. `None` without images, or if no class has two units.
    pub fn share(&self, images: &[usize], n_hits: usize, correlation: f64) -> Option<Interval> {
        if images.is_empty() {
            return None;
        }
        let mut sizes = vec![0.0; self.n_cells()];
        for &image in images {
            sizes[self.cells()[image]] += 1.0;
        }
        let n_images = images.len() as f64;
        let mean_size = sizes.iter().map(|size| size * size).sum::<f64>() / n_images;
        let effective = n_images / (1.0 + correlation * (mean_size - 1.0));
        Some(wilson(n_hits as f64 / n_images, effective, self.t()?))
    }

    /// Quantile of Student's `t`.
    fn t(&self) -> Option<f64> {
        let degrees_of_freedom = self.design.degrees_of_freedom();
        (degrees_of_freedom > 0).then(|| distributions::t_quantile(degrees_of_freedom))
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use rand::SeedableRng;

    use super::*;

    fn rng_of(replicate: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(replicate)
    }

    #[test]
    fn the_interval_of_a_mean_is_students() {
        // One class, an author an image: the variance of the mean is s² / n with the divisor n − 1.
        let values: Vec<f64> = (0..40_u32).map(|i| f64::from(i * i % 17)).collect();
        let units: Vec<usize> = (0..40).collect();
        let clusters = Clusters::of(&[0; 40], &units).unwrap();
        let mean = values.iter().sum::<f64>() / 40.0;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let t = 2.022_690_920;
        let reach = t * (squares / 39.0 / 40.0).sqrt();
        let found = clusters.mean(&values, 400, rng_of).unwrap();
        assert!(found.low <= mean - reach + 1e-6 && found.low > mean - 1.2 * reach);
        assert!(found.high >= mean + reach - 1e-6 && found.high < mean + 1.2 * reach);
        // A shift of a class alone is no variation between authors.
        let classes: Vec<usize> = (0..40).map(|i| i % 2).collect();
        let shifted: Vec<f64> = classes.iter().map(|&class| class as f64).collect();
        let two = Clusters::of(&classes, &units).unwrap();
        let found = two.mean(&shifted, 10, rng_of).unwrap();
        assert_abs_diff_eq!(found.low, 0.5, epsilon = 1e-12);
        assert_abs_diff_eq!(found.high, 0.5, epsilon = 1e-12);
        assert_eq!(clusters.mean(&values, 0, rng_of), None);
        let single = Clusters::of(&[0; 40], &[7; 40]).unwrap();
        assert_eq!(single.mean(&values, 10, rng_of), None);
    }

    #[test]
    fn images_of_one_author_are_worth_fewer() {
        let units: Vec<usize> = (0..20).map(|image| image / 2).collect();
        let clusters = Clusters::of(&[0; 20], &units).unwrap();
        let images: Vec<usize> = (0..20).collect();
        // t of 9 degrees of freedom; with a correlation of 1, ten authors count.
        let t = 2.262_157_163;
        for (correlation, n) in [(0.0, 20.0), (1.0, 10.0), (0.5, 20.0 / 1.5)] {
            let found = clusters.share(&images, 15, correlation).unwrap();
            let expected = wilson(0.75, n, t);
            assert_abs_diff_eq!(found.low, expected.low, epsilon = 1e-9);
            assert_abs_diff_eq!(found.high, expected.high, epsilon = 1e-9);
        }
        assert_eq!(clusters.share(&[], 0, 0.5), None);
        let alike: Vec<f64> = units.iter().map(|&unit| unit as f64).collect();
        assert_abs_diff_eq!(clusters.correlation(&alike), 1.0);
        let opposite: Vec<f64> = (0..20).map(|image| f64::from(image % 2)).collect();
        assert_abs_diff_eq!(clusters.correlation(&opposite), 0.0);
    }
}
