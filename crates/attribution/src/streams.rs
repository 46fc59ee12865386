//! Names of the random streams of attribution. They are frozen: under another name other numbers are drawn.

/// The images, by class and outcome, and the order of the classes.
pub const ATTRIBUTION: &str = "explain";

#[cfg(test)]
mod tests {
    use rand::Rng as _;
    use random::Seed;

    use super::*;

    #[test]
    fn first_draws_never_change() {
        // Other values would change every result that anyone has.
        let seed = Seed::new(1);
        let drawn = [ATTRIBUTION].map(|name| seed.stream(name).at(2, 3).random::<u64>());
        assert_eq!(drawn, [13_299_701_815_127_880_309]);
    }
}
