//! Batches of mixed images: mixup and CutMix.
//!
//! A batch is mixed with itself in reverse order, as timm's `Mixup` does in its mode `batch`: image `i` of `B` with image
//! `B − 1 − i`. All images of a batch have the same share.

use candle_core::Tensor;
use model::Output;
use rand::Rng;
use random::{Seed, Stream};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Loss, TrainError, streams};

/// How batches are mixed: parameters `α` of the Beta distribution of an image's share in its mixture, 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Mixing {
    /// Of mixup: the mean of two images (Zhang et al. 2018, *mixup: Beyond Empirical Risk Minimization*, equation 1).
    pub mixup: f64,
    /// Of CutMix: an image with a rectangle of another (Yun et al. 2019, *CutMix: Regularization Strategy to Train
    /// Strong Classifiers with Localizable Features*, equations 1 and 2).
    pub cutmix: f64,
}

impl Mixing {
    /// Returns `true` if batches are mixed.
    pub fn is_on(self) -> bool {
        self.mixup > 0.0 || self.cutmix > 0.0
    }
}

/// Random mixtures of batches, by epoch and step.
pub(crate) struct Mixer {
    mixing: Mixing,
    draws: Stream,
}

impl Mixer {
    pub(crate) fn new(mixing: Mixing, seed: Seed) -> Self {
        Self {
            mixing,
            draws: seed.stream(streams::MIX),
        }
    }

    /// The mixture of a batch of images of `side` pixels, if batches are mixed. Where both ways are on, each has a
    /// probability of a half.
    pub(crate) fn draw(&self, epoch: usize, step: usize, side: usize) -> Option<Mixture> {
        let Mixing { mixup, cutmix } = self.mixing;
        if !self.mixing.is_on() {
            return None;
        }
        let mut rng = self.draws.at(epoch as u64, step as u64);
        let cuts = cutmix > 0.0 && (mixup <= 0.0 || rng.random_bool(0.5));
        Some(if cuts {
            let share = symmetric_beta(cutmix, &mut rng);
            let center = [rng.random_range(0..side), rng.random_range(0..side)];
            Mixture::of_rectangle(Rectangle::around(center, share, side), side)
        } else {
            Mixture {
                share: symmetric_beta(mixup, &mut rng),
                rectangle: None,
            }
        })
    }
}

/// The mixture of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixture {
    /// Share of each image, and of its label; the rest is that of its partner.
    share: f64,
    /// The part of the partner's pixels, of CutMix.
    rectangle: Option<Rectangle>,
}

/// Rows and columns from a start to an end.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rectangle {
    top: usize,
    bottom: usize,
    left: usize,
    right: usize,
}

impl Rectangle {
    /// The part of a square around `center`, row and column, that lies in an image of `side` pixels, where the square has
    /// the area `1 − share` of the image. As timm's `rand_bbox` rounds it: its length down, and of an odd length the start up.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a length of at most `side`"
    )]
    fn around([row, column]: [usize; 2], share: f64, side: usize) -> Self {
        let length = (side as f64 * (1.0 - share).sqrt()) as usize;
        let (before, behind) = (length / 2, length.div_ceil(2));
        Self {
            top: row.saturating_sub(before),
            bottom: (row + behind).min(side),
            left: column.saturating_sub(before),
            right: (column + behind).min(side),
        }
    }
}

impl Mixture {
    /// Share of each image, and of its label.
    pub(crate) fn share(self) -> f64 {
        self.share
    }

    /// The share is corrected by the area of the rectangle in the image.
    fn of_rectangle(rectangle: Rectangle, side: usize) -> Self {
        let area = (rectangle.bottom - rectangle.top) * (rectangle.right - rectangle.left);
        Self {
            share: 1.0 - area as f64 / (side * side) as f64,
            rectangle: Some(rectangle),
        }
    }

    /// Mixes `values`, images of `side · side · 3` values each, with those in reverse order.
    pub(crate) fn apply(self, values: &mut [f32], side: usize) {
        let size = side * side * 3;
        let n_pairs = values.len() / size / 2;
        let (front, back) = values.split_at_mut(values.len() - n_pairs * size);
        { front[..n_pairs * size].par_chunks_mut(size) }
            .zip(back.par_chunks_mut(size).rev())
            .for_each(|(image, partner)| self.mix(image, partner, side));
    }

    /// Mixes two images with each other.
    #[expect(clippy::cast_possible_truncation, reason = "a share of pixels in f32")]
    fn mix(self, image: &mut [f32], partner: &mut [f32], side: usize) {
        if let Some(Rectangle {
            top,
            bottom,
            left,
            right,
        }) = self.rectangle
        {
            for row in top..bottom {
                let span = (row * side + left) * 3..(row * side + right) * 3;
                image[span.clone()].swap_with_slice(&mut partner[span]);
            }
        } else {
            let (own, other) = (self.share as f32, (1.0 - self.share) as f32);
            for (a, b) in image.iter_mut().zip(partner) {
                (*a, *b) = (*a * own + *b * other, *b * own + *a * other);
            }
        }
    }

    /// The mean loss of the outputs for mixed images, `share · loss(labels) + (1 − share) · loss(labels in reverse)`.
    ///
    /// For the cross-entropy it is that of targets in which both labels have their shares, and over which smoothing is
    /// spread: with class weights `w`, both labels are weighted by their own class, and the sum is divided by `Σᵢ w[yᵢ]`,
    /// which is the same for the labels in reverse. PyTorch's `CrossEntropyLoss` of such targets has the same sum, and
    /// divides it by `B`.
    fn loss(self, loss: &dyn Loss, output: &Output, labels: &[u32]) -> Result<Tensor, TrainError> {
        let reversed: Vec<u32> = labels.iter().rev().copied().collect();
        let (own, other) = (loss.mean(output, labels)?, loss.mean(output, &reversed)?);
        Ok(((own * self.share)? + (other * (1.0 - self.share))?)?)
    }
}

/// The mean loss of `output` for `labels`; for those of the mixture, if the images are mixed.
///
/// # Errors
/// Those of the loss.
pub(crate) fn mean_loss(
    loss: &dyn Loss,
    output: &Output,
    labels: &[u32],
    mixture: Option<Mixture>,
) -> Result<Tensor, TrainError> {
    match mixture {
        Some(mixture) => mixture.loss(loss, output, labels),
        None => loss.mean(output, labels),
    }
}

/// A number with the distribution Beta(`alpha`, `alpha`).
///
/// Up to an `alpha` of 1 by Jöhnk (1964), with logarithms, as powers underflow for a small `alpha`; above by Ulrich (1984)
/// (both in Devroye 1986, *Non-Uniform Random Variate Generation*, chapter IX, sections 3.5 and 4).
fn symmetric_beta(alpha: f64, rng: &mut impl Rng) -> f64 {
    if alpha > 1.0 {
        let radius = 1.0 - rng.random::<f64>().powf(2.0 / (2.0 * alpha - 1.0));
        let angle = std::f64::consts::TAU * rng.random::<f64>();
        return 0.5 + 0.5 * radius.sqrt() * angle.cos();
    }
    loop {
        // In (0, 1], whose logarithm is finite.
        let mut power = || (1.0 - rng.random::<f64>()).ln() / alpha;
        let (x, y) = (power(), power());
        if x.exp() + y.exp() <= 1.0 {
            return 1.0 / (1.0 + (y - x).exp());
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use serde::Deserialize;

    use super::*;
    use crate::CrossEntropy;

    impl Mixture {
        /// Mixup with the share `share`.
        pub(crate) fn of_share(share: f64) -> Self {
            Self {
                share,
                rectangle: None,
            }
        }
    }

    /// Values of timm, by `tests/golden/mixing.py`.
    #[derive(Deserialize)]
    struct Golden {
        rectangles: Vec<GoldenRectangle>,
        losses: Vec<GoldenLoss>,
        beta: Vec<Share>,
    }

    #[derive(Deserialize)]
    struct GoldenRectangle {
        side: usize,
        center: [usize; 2],
        drawn: f64,
        /// Top, bottom, left, right.
        rectangle: [usize; 4],
        share: f64,
    }

    #[derive(Deserialize)]
    struct GoldenLoss {
        share: f64,
        smoothing: f64,
        weights: Vec<f32>,
        loss: f32,
    }

    /// Probability of a number below 0.05, and below 0.25.
    #[derive(Deserialize)]
    struct Share {
        alpha: f64,
        below: [f64; 2],
    }

    fn golden() -> Golden {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/mixing.json");
        serde_json::from_str(&fs_err::read_to_string(file).unwrap()).unwrap()
    }

    #[test]
    fn rectangles_and_their_shares_are_timms() {
        for golden in golden().rectangles {
            let rectangle = Rectangle::around(golden.center, golden.drawn, golden.side);
            let Rectangle {
                top,
                bottom,
                left,
                right,
            } = rectangle;
            assert_eq!([top, bottom, left, right], golden.rectangle);
            let mixture = Mixture::of_rectangle(rectangle, golden.side);
            assert!((mixture.share - golden.share).abs() < 1e-12);
        }
    }

    #[test]
    fn losses_are_those_of_soft_targets() {
        let logit = |i: u16, j: u16| f32::from((7 * i + 3 * j) % 11) * 0.4 - 1.5;
        let rows = (0..5).flat_map(|i| (0..4).map(move |j| logit(i, j)));
        let logits = Tensor::from_iter(rows, &Device::Cpu).unwrap();
        let logits = logits.reshape((5, 4)).unwrap();
        let output = Output {
            embedding: logits.clone(),
            logits,
        };
        for golden in golden().losses {
            let mixture = Mixture::of_share(golden.share);
            let loss = CrossEntropy::new(golden.weights, golden.smoothing);
            let mean = mixture.loss(&loss, &output, &[0, 1, 3, 1, 0]).unwrap();
            let found = mean.to_scalar::<f32>().unwrap();
            assert!((found / golden.loss - 1.0).abs() < 1e-5, "{found}");
        }
    }

    #[test]
    fn shares_have_the_beta_distribution() {
        let n_draws = 20_000;
        for golden in golden().beta {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let draws: Vec<f64> = (0..n_draws)
                .map(|_| symmetric_beta(golden.alpha, &mut rng))
                .collect();
            for (limit, expected) in [0.05, 0.25].into_iter().zip(golden.below) {
                for is_below in [
                    &(|draw: f64| draw < limit) as &dyn Fn(f64) -> bool,
                    &|draw| draw > 1.0 - limit,
                ] {
                    let n_below = draws.iter().filter(|draw| is_below(**draw)).count();
                    let share = n_below as f64 / f64::from(n_draws);
                    // Four standard deviations.
                    let sd = (expected * (1.0 - expected) / f64::from(n_draws)).sqrt();
                    assert!((share - expected).abs() < 4.0 * sd, "{share} of {expected}");
                }
            }
        }
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let tiny = (0..100).map(|_| symmetric_beta(1e-3, &mut rng));
        assert!({ tiny }.all(|share| (0.0..=1.0).contains(&share)));
    }

    #[test]
    fn mixup_is_a_mean_and_cutmix_a_swap() {
        // Three images of 2 × 2 pixels whose values are 0, 10 and 40.
        let images: Vec<f32> = [0.0, 10.0, 40.0].iter().flat_map(|&v| [v; 12]).collect();
        let mut values = images.clone();
        let mixture = Mixture::of_share(0.75);
        mixture.apply(&mut values, 2);
        let expected: Vec<f32> = [10.0, 10.0, 30.0].iter().flat_map(|&v| [v; 12]).collect();
        assert_eq!(values, expected);

        let mut values = images;
        let right = Rectangle {
            top: 0,
            bottom: 2,
            left: 1,
            right: 2,
        };
        let mixture = Mixture::of_rectangle(right, 2);
        assert!((mixture.share - 0.5).abs() < 1e-12);
        mixture.apply(&mut values, 2);
        let red: Vec<f32> = values.iter().step_by(3).copied().collect();
        assert_eq!(red[..4], [0.0, 40.0, 0.0, 40.0]);
        assert_eq!(red[4..8], [10.0; 4]);
        assert_eq!(red[8..], [40.0, 0.0, 40.0, 0.0]);
    }

    #[test]
    fn both_ways_take_turns_and_none_is_off() {
        let mixer = |mixup, cutmix| Mixer::new(Mixing { mixup, cutmix }, Seed::new(3));
        assert_eq!(mixer(0.0, 0.0).draw(0, 0, 8), None);
        let n_cut = |mixer: Mixer| {
            let mixtures = (0..1000).filter_map(|step| mixer.draw(1, step, 8));
            mixtures
                .filter(|mixture| mixture.rectangle.is_some())
                .count()
        };
        assert_eq!(n_cut(mixer(0.8, 0.0)), 0);
        assert_eq!(n_cut(mixer(0.0, 1.0)), 1000);
        // Half of them, ± four standard deviations.
        assert!((437..=563).contains(&n_cut(mixer(0.8, 1.0))));
        let both = mixer(0.8, 1.0);
        assert_eq!(both.draw(2, 5, 8), mixer(0.8, 1.0).draw(2, 5, 8));
        assert_ne!(both.draw(2, 5, 8), both.draw(3, 5, 8));
    }
}
