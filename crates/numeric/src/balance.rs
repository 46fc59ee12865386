//! Classes that count alike, whatever their number of rows.

use rand::Rng;

/// `[K]`, a weight for each class: 1 over its count.
///
/// `counts` `[K]` are each greater than 0.
#[must_use]
pub fn inverse_counts(counts: &[usize]) -> Vec<f32> {
    counts.iter().map(|&count| 1.0 / count as f32).collect()
}

/// `[K]`, the same at a mean of 1 over the rows: `N / (K · count)`, scikit-learn's `class_weight="balanced"`, in single
/// precision.
///
/// `counts` `[K]` are each greater than 0; `N` is their sum.
#[must_use]
pub fn balanced_weights(counts: &[usize]) -> Vec<f32> {
    let share = counts.iter().sum::<usize>() as f32 / counts.len() as f32;
    counts.iter().map(|&count| share / count as f32).collect()
}

/// `n` rows drawn with replacement so that every class is as likely as any other: first the class, then one of its
/// rows. These are the draws of PyTorch's `WeightedRandomSampler` with weights 1 over the count of each row's class.
///
/// `classes` are the rows of each class, at least one class and in each at least one row.
pub fn balanced_draws(classes: &[Vec<usize>], n: usize, rng: &mut impl Rng) -> Vec<usize> {
    let draw = |_| {
        let class = &classes[rng.random_range(0..classes.len())];
        class[rng.random_range(0..class.len())]
    };
    (0..n).map(draw).collect()
}

/// At most `most` rows: the first of each class, then the second of each, and so on.
///
/// `classes` are the rows of each class, in any number.
#[must_use]
pub fn in_turns(classes: &[Vec<usize>], most: usize) -> Vec<usize> {
    let longest = classes.iter().map(Vec::len).max().unwrap_or(0);
    let turns = (0..longest).flat_map(|turn| classes.iter().filter_map(move |rows| rows.get(turn)));
    turns.copied().take(most).collect()
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};

    use super::*;

    #[test]
    fn weights_are_the_reciprocals_of_the_counts() {
        assert_eq!(inverse_counts(&[1, 2, 8]), [1.0, 0.5, 0.125]);
        assert_eq!(balanced_weights(&[1, 3]), [2.0, 2.0 / 3.0]);
    }

    #[test]
    fn balanced_weights_have_a_mean_of_1_over_the_rows() {
        let weights = balanced_weights(&[1, 2, 5]);
        let mean: f32 = weights.iter().zip([1., 2., 5.]).map(|(w, n)| w * n).sum();
        assert!((mean / 8.0 - 1.0).abs() < 1e-6);
        assert!((weights[0] / weights[2] - 5.0).abs() < 1e-6);
    }

    #[test]
    fn classes_are_drawn_as_often() {
        let classes = [(0..900).collect(), (900..1000).collect()];
        let drawn = balanced_draws(&classes, 1000, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(drawn.len(), 1000);
        let of_first = drawn.iter().filter(|&&row| row < 900).count();
        assert!((400..600).contains(&of_first), "{of_first}");
    }

    #[test]
    fn classes_take_turns() {
        let classes = [vec![5, 1, 9], vec![], vec![4], vec![7, 8]];
        assert_eq!(in_turns(&classes, usize::MAX), [5, 4, 7, 1, 8, 9]);
        for most in 0..8 {
            let rows = in_turns(&classes, most);
            assert_eq!(rows, in_turns(&classes, usize::MAX)[..most.min(6)]);
        }
    }
}
