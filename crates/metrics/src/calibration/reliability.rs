//! Confidence against accuracy, bin by bin.

use std::num::NonZeroUsize;

use numeric::argmax;

use super::Forecasts;
use crate::Interval;

/// Images whose confidence is in `(low, high]`; the lowest bin includes 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// Number of images.
    pub n: u64,
    /// Mean confidence; `None` for no images.
    pub confidence: Option<f64>,
    /// Share of images predicted correctly; `None` for no images.
    pub accuracy: Option<f64>,
    /// Its 95 % interval; `None` for no images, or if no class has two authors.
    pub interval: Option<Interval>,
}

/// Confidence of an image's predicted class, the first of equals, and whether it is right.
pub(crate) fn top(forecasts: &Forecasts, image: usize) -> (f64, bool) {
    let (row, actual) = forecasts.image(image);
    let predicted = argmax(row).expect("forecasts have classes");
    (row[predicted], predicted == actual)
}

/// Confidences sorted into bins.
pub(crate) struct Bins(Vec<Sums>);

#[derive(Clone, Default)]
struct Sums {
    n: u64,
    confidence: f64,
    right: u64,
}

impl Bins {
    pub(crate) fn new(n_bins: NonZeroUsize) -> Self {
        Self(vec![Sums::default(); n_bins.get()])
    }

    /// Counts a confidence and whether it is right.
    pub(crate) fn add(&mut self, (confidence, is_right): (f64, bool)) {
        let bin = place(self.0.len(), confidence);
        let sums = &mut self.0[bin];
        sums.n += 1;
        sums.confidence += confidence;
        sums.right += u64::from(is_right);
    }

    /// Place of a confidence among `n_bins` bins.
    pub(crate) fn bin(n_bins: NonZeroUsize, confidence: f64) -> usize {
        place(n_bins.get(), confidence)
    }

    /// Mean distance of accuracy from confidence, over the images; 0 for none.
    pub(crate) fn error(&self) -> f64 {
        let n: u64 = self.0.iter().map(|sums| sums.n).sum();
        let gaps = self.0.iter();
        let gap: f64 = gaps
            .map(|sums| (sums.right as f64 - sums.confidence).abs())
            .sum();
        gap / n.max(1) as f64
    }

    /// The bins, with the interval of each one's accuracy.
    pub(crate) fn rows(&self, intervals: impl Iterator<Item = Option<Interval>>) -> Vec<Bin> {
        let bound = |bin: usize| bin as f64 / self.0.len() as f64;
        let row = |((bin, sums), interval): ((usize, &Sums), Option<Interval>)| {
            let mean = |sum: f64| (sums.n > 0).then(|| sum / sums.n as f64);
            Bin {
                low: bound(bin),
                high: bound(bin + 1),
                n: sums.n,
                confidence: mean(sums.confidence),
                accuracy: mean(sums.right as f64),
                interval,
            }
        };
        let bins = self.0.iter().enumerate();
        bins.zip(intervals).map(row).collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index: negative numbers become 0"
)]
fn place(n_bins: usize, confidence: f64) -> usize {
    let position = (confidence * n_bins as f64).ceil() as usize;
    position.saturating_sub(1).min(n_bins - 1)
}
