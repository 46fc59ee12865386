//! Calibration metrics.

use std::num::NonZeroUsize;

use numeric::clamped_loss;

use super::{
    Forecasts,
    reliability::{Bins, top},
};

/// Metrics of forecasts. Of errors and losses, lower is better.
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
    /// Mean of `−ln p` of the true class, in nats, each by [`clamped_loss`].
    pub log_loss: f64,
    /// Mean probability of the predicted class, in `[0, 1]`.
    pub confidence: f64,
    /// Share of images whose class is predicted, in `[0, 1]`.
    pub accuracy: f64,
    /// Number of images whose class is not predicted.
    pub errors: u64,
}

impl CalibrationMetrics {
    /// Metrics of all images, with confidences in `n_bins` bins of equal width.
    pub fn of(forecasts: &Forecasts, n_bins: NonZeroUsize) -> Self {
        let mut predicted = Bins::new(n_bins);
        let mut of_class: Vec<Bins> = (0..forecasts.n_classes())
            .map(|_| Bins::new(n_bins))
            .collect();
        let (mut brier, mut log_loss, mut confidence, mut errors) = (0.0, 0.0, 0.0, 0);
        for image in 0..forecasts.n_images() {
            let (row, actual) = forecasts.image(image);
            let top = top(forecasts, image);
            predicted.add(top);
            for (class, (bins, &p)) in of_class.iter_mut().zip(row).enumerate() {
                let is_class = class == actual;
                bins.add((p, is_class));
                brier += (p - f64::from(u8::from(is_class))).powi(2);
            }
            log_loss += loss(row, actual);
            confidence += top.0;
            errors += u64::from(!top.1);
        }
        let n_images = forecasts.n_images();
        let per_image = |sum: f64| sum / n_images as f64;
        Self {
            ece: predicted.error(),
            classwise_ece: of_class.iter().map(Bins::error).sum::<f64>() / of_class.len() as f64,
            brier: per_image(brier),
            log_loss: per_image(log_loss),
            confidence: per_image(confidence),
            accuracy: per_image((n_images as u64 - errors) as f64),
            errors,
        }
    }
}

/// `−ln p` of the true class, as [`CalibrationMetrics::log_loss`] has it.
pub(super) fn loss(probabilities: &[f64], actual: usize) -> f64 {
    clamped_loss(-probabilities[actual].ln())
}
