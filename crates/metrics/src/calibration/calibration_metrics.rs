//! Calibration metrics.

use std::num::NonZeroUsize;

use super::{
    Forecasts,
    reliability::{Bins, top},
};

/// Metrics of forecasts. Of all but the last, lower is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationMetrics {
    /// Expected calibration error, in `[0, 1]` (Guo, Pleiss, Sun and Weinberger 2017, eq. 3): the mean over the images
    /// of the distance, within their bin, of accuracy from confidence in the predicted class.
    pub ece: f64,
    /// The same of each class's probability, predicted or not, as the mean over the classes (Kull et al. 2019).
    pub classwise_ece: f64,
    /// Mean over the images of the squared distance of their probabilities from the truth, in `[0, 2]` (Brier
    /// 1950); scikit-learn's for more than two classes.
    pub brier: f64,
    /// Mean of `−ln p` of the true class, in nats. Probabilities are taken from `[ε, 1 − ε]` with the `ε` of 64-bit
    /// floats, as in scikit-learn's `log_loss`.
    pub log_loss: f64,
    /// Share of images whose class is predicted, in `[0, 1]`.
    pub top1: f64,
}

impl CalibrationMetrics {
    /// Metrics of all images, with confidences in `n_bins` bins of equal width.
    pub fn of(forecasts: &Forecasts, n_bins: NonZeroUsize) -> Self {
        let all: Vec<(usize, u64)> = (0..forecasts.n_images()).map(|i| (i, 1)).collect();
        Self::of_drawn(forecasts, &all, n_bins)
    }

    /// Metrics of some images, each with its number of draws.
    pub fn of_drawn(forecasts: &Forecasts, drawn: &[(usize, u64)], n_bins: NonZeroUsize) -> Self {
        let mut predicted = Bins::new(n_bins);
        let mut of_class: Vec<Bins> = (0..forecasts.n_classes())
            .map(|_| Bins::new(n_bins))
            .collect();
        let (mut n, mut brier, mut log_loss, mut right) = (0, 0.0, 0.0, 0);
        for &(image, times) in drawn {
            let (row, actual) = forecasts.image(image);
            let top = top(forecasts, image);
            predicted.add(top, times);
            for (class, (bins, &p)) in of_class.iter_mut().zip(row).enumerate() {
                let is_class = class == actual;
                bins.add((p, is_class), times);
                brier += (p - f64::from(u8::from(is_class))).powi(2) * times as f64;
            }
            log_loss -= row[actual].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln() * times as f64;
            right += u64::from(top.1) * times;
            n += times;
        }
        let per_image = |sum: f64| sum / n.max(1) as f64;
        Self {
            ece: predicted.error(),
            classwise_ece: of_class.iter().map(Bins::error).sum::<f64>() / of_class.len() as f64,
            brier: per_image(brier),
            log_loss: per_image(log_loss),
            top1: per_image(right as f64),
        }
    }
}

/// Terms of each image for a bootstrap of calibration errors, so that the time of a replicate doesn't grow with `K`.
pub struct BootstrapTerms {
    n_bins: NonZeroUsize,
    /// `[N]`, the confidence in the predicted class, and whether it is right.
    tops: Vec<(f64, bool)>,
    /// `[N]`, `−ln p` of the true class.
    losses: Vec<f64>,
}

impl BootstrapTerms {
    /// Terms of all images, with confidences in `n_bins` bins of equal width.
    pub fn of(forecasts: &Forecasts, n_bins: NonZeroUsize) -> Self {
        let images = 0..forecasts.n_images();
        let loss = |image| {
            let (row, actual) = forecasts.image(image);
            -row[actual].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
        };
        Self {
            n_bins,
            tops: images.clone().map(|image| top(forecasts, image)).collect(),
            losses: images.map(loss).collect(),
        }
    }

    /// [`CalibrationMetrics::ece`] and [`CalibrationMetrics::log_loss`] of some images, each with its number of draws:
    /// the statistics of [`crate::bootstrap()`].
    pub fn ece_and_log_loss(&self, drawn: &[(usize, u64)]) -> [f64; 2] {
        let mut predicted = Bins::new(self.n_bins);
        let (mut n, mut log_loss) = (0, 0.0);
        for &(image, times) in drawn {
            predicted.add(self.tops[image], times);
            log_loss += self.losses[image] * times as f64;
            n += times;
        }
        [predicted.error(), log_loss / n.max(1) as f64]
    }
}
