//! Names of the random streams of linear probes. They are frozen: under another name other numbers are drawn.

/// The forests.
pub const LINEAR_PROBE: &str = "probe";
/// The images that classifiers are fitted to, by fold and class.
pub const LINEAR_PROBE_SAMPLE: &str = "probe sample";

#[cfg(test)]
mod tests {
    use rand::Rng as _;
    use random::Seed;

    use super::*;

    #[test]
    fn first_draws_never_change() {
        // Other values would change every result that anyone has.
        let seed = Seed::new(1);
        let drawn = [LINEAR_PROBE].map(|name| seed.stream(name).number());
        assert_eq!(drawn, [6_544_879_232_271_210_635]);
        let drawn = [LINEAR_PROBE_SAMPLE].map(|name| seed.stream(name).at(2, 3).random::<u64>());
        assert_eq!(drawn, [7_507_475_721_317_706_256]);
    }
}
