//! Names of the random streams of splits. They are frozen: under another name other numbers are drawn.

/// Draws of the test subset. The name is the one from before the subset was called `test`.
pub const SPLIT_TEST: &str = "split validation";
/// The first folds.
pub const SPLIT_DEAL: &str = "split deal";
/// Moves between folds.
pub const SPLIT_MOVES: &str = "split moves";
/// Acceptance of moves that raise the cost.
pub const SPLIT_ACCEPTANCE: &str = "split acceptance";
/// The split by class, without regard to authors.
pub const LEAKAGE_BY_CLASS: &str = "leak by class";
/// The split at random.
pub const LEAKAGE_AT_RANDOM: &str = "leak at random";

#[cfg(test)]
mod tests {
    use rand::Rng as _;
    use random::Seed;

    use super::*;

    #[test]
    fn first_draws_never_change() {
        // Other values would change every result that anyone has.
        let seed = Seed::new(1);
        let drawn = [
            SPLIT_TEST,
            SPLIT_DEAL,
            SPLIT_MOVES,
            SPLIT_ACCEPTANCE,
            LEAKAGE_BY_CLASS,
            LEAKAGE_AT_RANDOM,
        ]
        .map(|name| seed.stream(name).rng().random::<u64>());
        assert_eq!(
            drawn,
            [
                6_996_069_906_225_581_163,
                7_240_164_713_403_448_243,
                5_520_171_679_855_173_835,
                11_218_710_317_317_014_666,
                8_526_364_625_430_458_372,
                10_359_336_018_227_996_233
            ]
        );
    }
}
