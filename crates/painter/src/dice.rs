//! Random choices in the words of a painter.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A source of random choices.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(rng: ChaCha8Rng) -> Self {
        Self(rng)
    }

    /// A number from `low` to `high`, uniform.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.random::<f32>()
    }

    /// A number around 0, mostly within ±`spread`: the mean of three uniform ones, twice as wide.
    pub(crate) fn around(&mut self, spread: f32) -> f32 {
        let sum: f32 = (0..3).map(|_| self.between(-2.0, 2.0)).sum();
        spread * sum / 3.0
    }

    /// A whole number from `low` to `high`, both included.
    pub(crate) fn whole(&mut self, low: usize, high: usize) -> usize {
        self.0.random_range(low..=high)
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f32) -> bool {
        self.0.random::<f32>() < p
    }

    /// One of `choices`, which isn't empty.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.whole(0, choices.len() - 1)]
    }
}
