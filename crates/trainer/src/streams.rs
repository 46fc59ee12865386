//! Names of the random streams that training draws from. They are frozen: another name has other numbers.

/// Initial weights of a network.
pub const WEIGHTS: &str = "weights";
/// The order of the training images, by epoch.
pub const ORDER: &str = "order";
/// The augmentation of an image, by epoch.
pub const AUGMENT: &str = "augment";
/// The mixture of a batch, by epoch and step.
pub const MIX: &str = "mix";

#[cfg(test)]
mod tests {
    use rand::Rng as _;
    use random::Seed;

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
            [6_874_035_823_445_540_213, 9_516_617_799_324_042_385, 0]
        );
    }
}
