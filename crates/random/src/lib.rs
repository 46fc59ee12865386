//! Streams of random numbers: a draw added in one place shifts no other.
//!
//! A [`Stream`] has a name. Names are constants of the crates that draw, in their modules `streams`, and are frozen: a
//! renamed stream is another result. A test beside them has the first draws of each.
//!
//! Libraries that get one number as their seed take generators by [`numbered()`].

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The study's seed, from `params.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Seed(u64);

impl Seed {
    /// A seed from a number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The stream of random numbers called `name`.
    #[must_use]
    pub fn stream(self, name: &str) -> Stream {
        let mut hasher = blake3::Hasher::new_derive_key("atelier named random stream");
        hasher.update(&self.0.to_le_bytes());
        hasher.update(name.as_bytes());
        Stream(*hasher.finalize().as_bytes())
    }
}

/// A named stream; its generators depend on the seed, the name and the place, and on nothing else.
#[derive(Clone, Debug)]
pub struct Stream([u8; 32]);

impl Stream {
    /// The stream's own generator, for draws in one sequence.
    #[must_use]
    pub fn rng(&self) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.0)
    }

    /// The generator at a place, such as an epoch and an image, for draws that don't depend on their order.
    #[must_use]
    pub fn at(&self, first: u64, second: u64) -> ChaCha8Rng {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&first.to_le_bytes());
        hasher.update(&second.to_le_bytes());
        ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
    }

    /// A number that stands for the stream, for libraries that take an integer as seed.
    #[must_use]
    pub fn number(&self) -> u64 {
        let [first, ..] = self.0.as_chunks::<8>().0 else {
            unreachable!("32 bytes are four times eight");
        };
        u64::from_le_bytes(*first)
    }
}

/// The generator number `number` of `seed`, for draws that are numbered: the trees of a forest, the trials of a search.
/// It is the stream `number` of the ChaCha8 generator that `seed` makes.
#[must_use]
pub fn numbered(seed: u64, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;

    use super::*;

    fn draw(mut rng: ChaCha8Rng) -> u64 {
        rng.random()
    }

    #[test]
    fn streams_differ_by_seed_name_and_place() {
        let seed = Seed::new(1);
        let first = draw(seed.stream("augment").at(0, 0));
        assert_eq!(first, draw(seed.stream("augment").at(0, 0)));
        assert_ne!(first, draw(Seed::new(2).stream("augment").at(0, 0)));
        assert_ne!(first, draw(seed.stream("shuffle").at(0, 0)));
        assert_ne!(first, draw(seed.stream("augment").at(1, 0)));
        assert_ne!(first, draw(seed.stream("augment").at(0, 1)));
    }

    #[test]
    fn a_stream_never_changes() {
        // Another value here would change every result that anyone has.
        expect_test::expect!["4269466920612586778"]
            .assert_eq(&draw(Seed::new(1).stream("augment").rng()).to_string());
    }

    #[test]
    fn numbered_generators_differ_by_seed_and_number() {
        let first = draw(numbered(1, 0));
        assert_eq!(first, draw(numbered(1, 0)));
        assert_ne!(first, draw(numbered(2, 0)));
        assert_ne!(first, draw(numbered(1, 1)));
    }

    #[test]
    fn a_numbered_generator_never_changes() {
        assert_eq!(
            [draw(numbered(1, 0)), draw(numbered(1, 7))],
            [7_424_550_030_962_593_201, 8_577_810_123_518_004_597]
        );
    }
}
