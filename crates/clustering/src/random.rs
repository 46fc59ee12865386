//! Stateless random numbers: each is a hash of a seed and its purpose, so that no draw shifts another.

/// Step of the splitmix64 sequence: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finalizer of splitmix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Seed of a point by its coordinates: equal points have equal seeds.
pub(crate) fn seed_of(seed: u64, point: &[f32]) -> u64 {
    // Adding zero turns -0 into 0, which is the same coordinate.
    let bits = point.iter().map(|v| u64::from((v + 0.0).to_bits()));
    bits.fold(scramble(seed), |hash, bits| {
        scramble(hash.wrapping_add(GOLDEN) ^ bits)
    })
}

/// A sequence of random numbers that is named by a seed and two indices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keyed(u64);

impl Keyed {
    /// The sequence of (`seed`, `a`, `b`).
    pub(crate) fn new(seed: u64, a: u64, b: u64) -> Self {
        let inner = scramble(seed.wrapping_add(GOLDEN.wrapping_mul(a.wrapping_add(1))));
        Self(inner ^ scramble(b.wrapping_mul(GOLDEN)))
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        scramble(self.0)
    }

    /// An index below `n` (Lemire 2019, without the rejection: the bias is below `n` / 2^64).
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the high half of the product is below `n`"
    )]
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// A number in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f32 {
        // 24 bits fit the mantissa, so that nothing is rounded to 1.
        (self.bits() >> 40) as f32 / 16_777_216.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_gives_the_same_sequence_and_others_differ() {
        let draw = |seed, a, b| Keyed::new(seed, a, b).bits();
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
        let others = [draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4), draw(1, 3, 2)];
        assert!(others.iter().all(|&other| other != draw(1, 2, 3)));
    }

    #[test]
    fn indices_and_units_fill_their_ranges_evenly() {
        let mut counts = [0; 7];
        let mut sum = 0.0;
        for i in 0..7000 {
            let mut keyed = Keyed::new(5, i, 0);
            counts[keyed.below(7)] += 1;
            let unit = keyed.unit();
            assert!((0.0..1.0).contains(&unit));
            sum += f64::from(unit);
        }
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
        assert!((sum / 7000.0 - 0.5).abs() < 0.02);
    }
}
