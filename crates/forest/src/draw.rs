//! Weights and draws of the rows that a tree is fitted to.

use numeric::balanced_draws;
use rand_chacha::ChaCha8Rng;

/// Rows by class: every class weighs the same, whatever its number of rows.
#[derive(Clone, Debug)]
pub(crate) struct Balance {
    /// Rows of the classes that occur.
    classes: Vec<Vec<usize>>,
    n_rows: usize,
}

impl Balance {
    /// Groups rows by `labels` `[N]`, each below `n_classes`.
    pub(crate) fn of(labels: &[usize], n_classes: usize) -> Self {
        let mut classes = vec![Vec::new(); n_classes];
        for (row, &label) in labels.iter().enumerate() {
            classes[label].push(row);
        }
        classes.retain(|rows| !rows.is_empty());
        Self {
            classes,
            n_rows: labels.len(),
        }
    }

    /// `[N]`, weights that sum to `N`: `N / (K n)` for a row of a class of `n` rows (scikit-learn's `balanced`). They
    /// are in double precision, in which impurities are summed; `numeric::balanced_weights` rounds to single.
    pub(crate) fn weights(&self) -> Vec<f64> {
        let mut weights = vec![0.0; self.n_rows];
        for rows in &self.classes {
            let weight = self.n_rows as f64 / (self.classes.len() * rows.len()) as f64;
            rows.iter().for_each(|&row| weights[row] = weight);
        }
        weights
    }

    /// `[N]`, the number of draws of each row in `N` draws by these weights, with replacement (scikit-learn 1.9).
    pub(crate) fn bootstrap(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let mut counts = vec![0.0; self.n_rows];
        for row in balanced_draws(&self.classes, self.n_rows, rng) {
            counts[row] += 1.0;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn classes_weigh_the_same() {
        let balance = Balance::of(&[0, 0, 0, 2], 3);
        let third = 2.0 / 3.0;
        assert_eq!(balance.weights(), [third, third, third, 2.0]);
    }

    #[test]
    fn classes_are_drawn_as_often() {
        let labels = [vec![0; 900], vec![1; 100]].concat();
        let drawn = Balance::of(&labels, 2).bootstrap(&mut ChaCha8Rng::seed_from_u64(1));
        let of_first: f64 = drawn[..900].iter().sum();
        assert!((400.0..600.0).contains(&of_first), "{of_first}");
        assert!((drawn.iter().sum::<f64>() - 1000.0).abs() < 1e-9);
    }
}
