//! Names of the random streams that training draws from. They are frozen: under another name other numbers are drawn.

/// The first weights of a network.
pub const WEIGHTS: &str = "weights";
/// The first weights of a network that stage `arrange` trains.
pub const ARRANGE_WEIGHTS: &str = "arrange weights";
/// The order of the training images, by epoch.
pub const ORDER: &str = "order";
/// The augmentation of an image, by epoch.
pub const AUGMENT: &str = "augment";

#[cfg(test)]
mod tests {
    use rand::Rng as _;
    use random::Seed;

    use super::*;

    #[test]
    fn first_draws_never_change() {
        // Other values would change every result that anyone has.
        let seed = Seed::new(1);
        let drawn = [WEIGHTS, ARRANGE_WEIGHTS].map(|name| seed.stream(name).rng().random::<u64>());
        assert_eq!(
            drawn,
            [12_828_567_458_247_133_856, 2_780_812_038_676_605_782]
        );
        let drawn = [ORDER, AUGMENT].map(|name| seed.stream(name).at(2, 3).random::<u64>());
        assert_eq!(
            drawn,
            [6_874_035_823_445_540_213, 9_516_617_799_324_042_385]
        );
    }
}
