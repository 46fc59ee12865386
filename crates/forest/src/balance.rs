//! Even classes: each tree gets as many rows of each class, some drawn, some repeated.
//!
//! The pattern is scikit-learn's (1.9) forest with balanced class weights: a tree draws `N` rows with replacement, of each
//! of `K` classes `N / K` on average. smartcore draws for itself, as many rows of each class as it is given; so it is
//! given rows of which its draw holds as many different ones as that pattern's would.

use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

/// Share of different rows in a sample with replacement of as many rows as there are: `1 - 1/e`.
const DIFFERENT: f64 = 1.0 - 0.367_879_441_171_442_33;

/// Rows by class.
#[derive(Clone, Debug)]
pub(crate) struct Balance {
    classes: Vec<Class>,
    /// Rows that a tree is given of each class.
    n_given: usize,
}

#[derive(Clone, Debug)]
struct Class {
    rows: Vec<usize>,
    /// How many different rows a tree is given.
    n_drawn: usize,
}

impl Balance {
    /// Groups rows by `labels` `[N]`, each below `n_classes`.
    pub(crate) fn of(labels: &[u32], n_classes: usize) -> Self {
        let mut by_class = vec![Vec::new(); n_classes];
        for (row, &label) in labels.iter().enumerate() {
            by_class[label as usize].push(row);
        }
        by_class.retain(|rows| !rows.is_empty());
        let draws = labels.len() as f64 / by_class.len().max(1) as f64;
        let wanted: Vec<f64> = by_class
            .iter()
            .map(|rows| different(rows.len() as f64, draws))
            .collect();
        // The class that wants most gets no copies, and loses least to smartcore's own draw.
        let n_given = wanted.iter().copied().fold(0.0, f64::max) / DIFFERENT;
        let classes = by_class.into_iter().zip(wanted);
        Self {
            classes: classes
                .map(|(rows, wanted)| Class {
                    n_drawn: n_drawn(wanted, n_given, rows.len()),
                    rows,
                })
                .collect(),
            n_given: count(n_given),
        }
    }

    /// Indices of rows, equally many of each class, in the order of the classes.
    ///
    /// A class's drawn rows are repeated in turn, so they differ in their number of copies by one at most.
    pub(crate) fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let mut given = Vec::with_capacity(self.classes.len() * self.n_given);
        for class in &self.classes {
            let mut rows = class.rows.clone();
            let (drawn, _) = rows.partial_shuffle(rng, class.n_drawn);
            given.extend(drawn.iter().cycle().take(self.n_given));
        }
        given
    }
}

/// How many different ones of `n` rows come up in `draws` with replacement, on average and for large `n`.
fn different(n: f64, draws: f64) -> f64 {
    n * (1.0 - (-draws / n).exp())
}

/// The number of rows, at most `n`, of which `n_given` draws hold `wanted` different ones.
fn n_drawn(wanted: f64, n_given: f64, n: usize) -> usize {
    let (mut low, mut high) = (0.0, n as f64);
    // More rows give more different ones: bisection, to far below one row.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if different(middle, n_given) < wanted {
            low = middle
        } else {
            high = middle
        }
    }
    count(high).min(n)
}

/// The whole number nearest to `n`, at least 1.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a number of rows, which fits"
)]
#[expect(clippy::cast_sign_loss, reason = "at least 1")]
fn count(n: f64) -> usize {
    n.round().max(1.0) as usize
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    fn draw(labels: &[u32], n_classes: usize) -> Vec<usize> {
        Balance::of(labels, n_classes).draw(&mut ChaCha8Rng::seed_from_u64(1))
    }

    #[test]
    fn even_classes_are_given_whole() {
        let mut drawn = draw(&[0, 1, 0, 1, 0, 1], 2);
        drawn.sort_unstable();
        assert_eq!(drawn, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn each_class_that_occurs_is_given_as_often() {
        let labels = [vec![1; 30], vec![3; 10], vec![0; 2]].concat();
        let drawn = draw(&labels, 4);
        let count = |class: u32| drawn.iter().filter(|&&row| labels[row] == class).count();
        let of_each = drawn.len() / 3;
        assert_eq!(
            [count(0), count(1), count(2), count(3)],
            [of_each, of_each, 0, of_each]
        );
        // The two rows of the smallest class are both there.
        assert!(drawn.contains(&40) && drawn.contains(&41));
    }

    #[test]
    fn copies_are_even() {
        let labels = [vec![0; 50], vec![1; 10]].concat();
        let drawn = draw(&labels, 2);
        let mut copies = vec![0; 60];
        drawn.iter().for_each(|&row| copies[row] += 1);
        let (large, small) = copies.split_at(50);
        assert!(large.iter().all(|&n| n <= 1));
        let (least, most) = (
            small.iter().filter(|&&n| n > 0).min().unwrap(),
            small.iter().max().unwrap(),
        );
        assert!(most - least <= 1, "{small:?}");
    }

    #[test]
    fn samples_hold_as_many_different_rows_as_draws_from_all_would() {
        let sizes = [200, 120, 80, 40, 20];
        let labels: Vec<u32> = (0..)
            .zip(sizes)
            .flat_map(|(label, n)| vec![label; n])
            .collect();
        let balance = Balance::of(&labels, 5);
        for class in &balance.classes {
            let found = different(class.n_drawn as f64, balance.n_given as f64);
            let wanted = different(class.rows.len() as f64, 92.0);
            assert!((found - wanted).abs() < 0.6, "{found}, {wanted}");
        }
    }

    #[test]
    fn a_single_row_is_its_class() {
        assert_eq!(
            draw(&[0, 0, 0, 1], 2)
                .iter()
                .filter(|&&row| row == 3)
                .count(),
            Balance::of(&[0, 0, 0, 1], 2).n_given
        );
        assert!(draw(&[], 2).is_empty());
    }
}
