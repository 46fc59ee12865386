//! Confidence against accuracy, bin by bin.

use std::num::NonZeroUsize;

use numeric::argmax;

use super::Forecasts;

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
}

/// Reliability diagram of the predicted classes (Guo, Pleiss, Sun and Weinberger 2017, §2): bins of equal width over
/// the highest probability of an image, which is the model's confidence.
pub fn reliability(forecasts: &Forecasts, n_bins: NonZeroUsize) -> Vec<Bin> {
    let mut bins = Bins::new(n_bins);
    for image in 0..forecasts.n_images() {
        bins.add(top(forecasts, image), 1);
    }
    bins.rows()
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

    /// Counts a confidence and whether it is right, `times` times.
    pub(crate) fn add(&mut self, (confidence, is_right): (f64, bool), times: u64) {
        let bin = self.bin(confidence);
        let sums = &mut self.0[bin];
        sums.n += times;
        sums.confidence += confidence * times as f64;
        sums.right += u64::from(is_right) * times;
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index: negative numbers become 0"
    )]
    fn bin(&self, confidence: f64) -> usize {
        let position = (confidence * self.0.len() as f64).ceil() as usize;
        position.saturating_sub(1).min(self.0.len() - 1)
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

    fn rows(&self) -> Vec<Bin> {
        let bound = |bin: usize| bin as f64 / self.0.len() as f64;
        let row = |(bin, sums): (usize, &Sums)| {
            let mean = |sum: f64| (sums.n > 0).then(|| sum / sums.n as f64);
            Bin {
                low: bound(bin),
                high: bound(bin + 1),
                n: sums.n,
                confidence: mean(sums.confidence),
                accuracy: mean(sums.right as f64),
            }
        };
        self.0.iter().enumerate().map(row).collect()
    }
}
