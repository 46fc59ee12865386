//! Calibration of forecasts, as far as their number shows it.

use std::num::NonZeroUsize;

use numeric::rank;
use rand_chacha::ChaCha8Rng;

use super::{
    CalibrationMetrics, Forecasts,
    calibration_metrics::loss,
    reliability::{Bin, Bins, top},
};
use crate::{Clusters, Difference, Interval, Metric, MetricError, ScoredPrediction, intervals};

/// Forecasts for images whose authors are known. All intervals are those of authors within classes, at a level of 95 %;
/// replicate `r` draws from `rng_of(r)`, and there is none with no replicates, or if no class has two authors.
pub struct Evaluation<'a> {
    pub(super) forecasts: &'a Forecasts,
    units: &'a [usize],
    pub(super) n_bins: NonZeroUsize,
    pub(super) clusters: Clusters,
    /// `[N]`, the bin of the confidence.
    bins: Vec<usize>,
    /// `[N]`, the confidence, less 1 for an image whose class is predicted.
    excess: Vec<f64>,
    /// `[N]`, `−ln p` of the true class.
    losses: Vec<f64>,
}

impl<'a> Evaluation<'a> {
    /// Forecasts with the unit of each image `[N]`: its author, or itself where there is none. Confidences are in `n_bins`
    /// bins of equal width.
    ///
    /// # Errors
    /// `units` is not as long as the forecasts.
    pub fn of(
        forecasts: &'a Forecasts,
        units: &'a [usize],
        n_bins: NonZeroUsize,
    ) -> Result<Self, MetricError> {
        let images = 0..forecasts.n_images();
        let tops = images.clone().map(|image| top(forecasts, image));
        let (bins, excess) = tops
            .map(|(confidence, is_right)| {
                let is_right = f64::from(u8::from(is_right));
                (Bins::bin(n_bins, confidence), confidence - is_right)
            })
            .unzip();
        let losses = images.map(|image| {
            let (row, actual) = forecasts.image(image);
            loss(row, actual)
        });
        Ok(Self {
            clusters: Clusters::of(forecasts.actual(), units)?,
            losses: losses.collect(),
            bins,
            excess,
            forecasts,
            units,
            n_bins,
        })
    }

    /// Metrics of all images.
    pub fn metrics(&self) -> CalibrationMetrics {
        CalibrationMetrics::of(self.forecasts, self.n_bins)
    }

    /// Interval of the expected calibration error. Resampling adds noise, which raises this error: the interval of few
    /// images may lie above the value.
    pub fn ece(
        &self,
        n_replicates: u64,
        rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
    ) -> Option<Interval> {
        let resampled = self
            .clusters
            .resampled(n_replicates, rng_of, |weights| [self.weighted_ece(weights)]);
        resampled.map(|[interval]| interval)
    }

    /// Expected calibration error of images with `weights` `[N]`, which sum to `N`.
    fn weighted_ece(&self, weights: &[f64]) -> f64 {
        let mut sums = vec![0.0; self.n_bins.get()];
        for ((&bin, excess), weight) in self.bins.iter().zip(&self.excess).zip(weights) {
            sums[bin] += weight * excess;
        }
        sums.iter().map(|sum: &f64| sum.abs()).sum::<f64>() / weights.len() as f64
    }

    /// Interval of the log-loss, as [`crate::intervals()`] has it.
    ///
    /// # Errors
    /// As for [`crate::intervals()`].
    pub fn log_loss(
        &self,
        n_replicates: u64,
        rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
    ) -> Result<Option<Interval>, MetricError> {
        let scored = |image: usize| {
            let (row, actual) = self.forecasts.image(image);
            ScoredPrediction {
                actual,
                predicted: numeric::argmax(row).expect("forecasts have classes"),
                rank: rank(row, actual),
                loss: self.losses[image],
            }
        };
        let scored: Vec<ScoredPrediction> = (0..self.losses.len()).map(scored).collect();
        let n_classes = self.forecasts.n_classes();
        let found = intervals(n_classes, &scored, self.units, n_replicates, rng_of)?;
        let is_log_loss = |metric: &Metric| *metric == Metric::LogLoss;
        let place = Metric::ALL.iter().position(is_log_loss);
        Ok(found.zip(place).map(|(found, place)| found[place]))
    }

    /// Mean confidence less accuracy, with the interval of the images' differences: above 0 the model is overconfident.
    pub fn excess_confidence(
        &self,
        n_replicates: u64,
        rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
    ) -> Option<Difference> {
        self.difference(&self.excess, n_replicates, rng_of)
    }

    /// Log-loss less that of `before`, other forecasts for the same images, with the interval of the images' differences.
    ///
    /// # Errors
    /// The two differ in their number of images.
    pub fn log_loss_change(
        &self,
        before: &Self,
        n_replicates: u64,
        rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
    ) -> Result<Option<Difference>, MetricError> {
        if before.losses.len() != self.losses.len() {
            return Err(MetricError::Length {
                list: "losses before calibration",
                found: before.losses.len(),
                expected: self.losses.len(),
            });
        }
        let pairs = self.losses.iter().zip(&before.losses);
        let changes: Vec<f64> = pairs.map(|(after, before)| after - before).collect();
        Ok(self.difference(&changes, n_replicates, rng_of))
    }

    fn difference(
        &self,
        of_images: &[f64],
        n_replicates: u64,
        rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
    ) -> Option<Difference> {
        let Interval { low, high } = self.clusters.mean(of_images, n_replicates, rng_of)?;
        let value = of_images.iter().sum::<f64>() / of_images.len() as f64;
        Some(Difference { value, low, high })
    }

    /// Correlation of the errors of calibration of two images of one author within a class.
    pub(super) fn correlation(&self) -> f64 {
        self.clusters.correlation(&self.excess)
    }

    /// Reliability diagram of the predicted classes (Guo, Pleiss, Sun and Weinberger 2017, §2): bins of equal width over
    /// the highest probability of an image, which is the model's confidence. The accuracy of a bin has Wilson's interval, with
    /// the number of its images divided by the design effect of all images' authors.
    pub fn reliability(&self) -> Vec<Bin> {
        let correlation = self.correlation();
        let mut bins = Bins::new(self.n_bins);
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); self.n_bins.get()];
        for (image, &bin) in self.bins.iter().enumerate() {
            bins.add(top(self.forecasts, image));
            members[bin].push(image);
        }
        let is_right = |image: &&usize| top(self.forecasts, **image).1;
        let intervals = members.iter().map(|members| {
            let n_right = members.iter().filter(is_right).count();
            self.clusters.share(members, n_right, correlation)
        });
        bins.rows(intervals)
    }
}
