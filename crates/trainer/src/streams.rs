//! Names of the random streams that training draws from. They are frozen: another name has other numbers.

use rand::Rng as _;
use random::Seed;

/// Initial weights of a network.
pub const WEIGHTS: &str = "weights";
/// The order of the training images, by epoch.
pub const ORDER: &str = "order";
/// The augmentation of an image, by epoch.
pub const AUGMENT: &str = "augment";
/// The mixture of a batch, by epoch and step.
pub const MIX: &str = "mix";

/// Seeds of repeated trainings, by number.
const REPEAT: &str = "repeat";

/// The seed of repetition number `repeat` of a training: that of the study for 0, another for each number above.
#[must_use]
pub fn repeated(seed: Seed, repeat: u32) -> Seed {
    if repeat == 0 {
        return seed;
    }
    Seed::new(seed.stream(REPEAT).at(u64::from(repeat), 0).random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_draws_never_change() {
        // Other values would change all results.
        let seed = Seed::new(1);
        let drawn: u64 = seed.stream(WEIGHTS).rng().random();
        assert_eq!(drawn, 12_828_567_458_247_133_856);
        let drawn = [ORDER, AUGMENT, MIX].map(|name| seed.stream(name).at(2, 3).random::<u64>());
        assert_eq!(
            drawn,
            [
                6_874_035_823_445_540_213,
                9_516_617_799_324_042_385,
                12_668_784_724_557_265_386
            ]
        );
        let drawn =
            [1, 2].map(|repeat| repeated(seed, repeat).stream(WEIGHTS).rng().random::<u64>());
        assert_eq!(
            drawn,
            [7_875_185_612_549_659_475, 1_396_554_956_695_104_649]
        );
    }

    #[test]
    fn the_first_repetition_has_the_seed_of_the_study() {
        assert_eq!(repeated(Seed::new(7), 0), Seed::new(7));
        assert_ne!(repeated(Seed::new(7), 1), repeated(Seed::new(7), 2));
    }
}
