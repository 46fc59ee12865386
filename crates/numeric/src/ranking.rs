//! The order of classes by their scores, and accuracies read off it.

/// The index of the highest of `scores`; of equals the first, as `numpy.argmax`. None without scores.
#[must_use]
pub fn argmax<T: PartialOrd + Copy>(scores: &[T]) -> Option<usize> {
    let mut best = None;
    for (idx, &score) in scores.iter().enumerate() {
        if best.is_none_or(|best: usize| score > scores[best]) {
            best = Some(idx);
        }
    }
    best
}

/// The number of classes that precede `class` by their `scores` `[K]`, from 0 for the highest score. Of equal scores
/// the later class precedes, as in scikit-learn's `top_k_accuracy_score`.
#[must_use]
pub fn rank<T: PartialOrd + Copy>(scores: &[T], class: usize) -> usize {
    let own = scores[class];
    let precedes = |(other, score): (usize, &T)| *score > own || (*score >= own && other > class);
    scores
        .iter()
        .enumerate()
        .filter(|&entry| precedes(entry))
        .count()
}

/// `[K]`, the classes from the highest of `scores` `[K]` down: the class at place `r` has [`rank`] `r`. NaN comes last.
#[must_use]
pub fn ranking<T: PartialOrd + Copy>(scores: &[T]) -> Vec<usize> {
    let is_nan = |class: usize| scores[class].partial_cmp(&scores[class]).is_none();
    let falling = |a: usize, b: usize| scores[b].partial_cmp(&scores[a]);
    let mut classes: Vec<usize> = (0..scores.len()).rev().collect();
    // The sort is stable: equal scores stay in their falling order of classes.
    classes.sort_by(|&a, &b| falling(a, b).unwrap_or_else(|| is_nan(a).cmp(&is_nan(b))));
    classes
}

/// Class-weighted top-`k` accuracy: the share of rows whose class is among the `k` of the lowest [`rank`], as the mean
/// over the classes that occur. It is scikit-learn's `top_k_accuracy_score` with weights 1 over the count of each
/// class.
///
/// `rows` are scores `[K]` with the index of the true class, below `n_classes`. The result is in `[0, 1]`, and 0
/// without rows.
pub fn top_k_accuracy<'a, T: PartialOrd + Copy + 'a>(
    rows: impl IntoIterator<Item = (&'a [T], usize)>,
    n_classes: usize,
    k: usize,
) -> f64 {
    let mut counts = vec![(0_u64, 0_u64); n_classes];
    for (scores, class) in rows {
        let (hits, total) = &mut counts[class];
        *hits += u64::from(rank(scores, class) < k);
        *total += 1;
    }
    mean_share(counts)
}

/// The mean share `hits / total` of the classes that occur, given as `(hits, total)` of each class; 0 if none occurs.
pub fn mean_share(counts: impl IntoIterator<Item = (u64, u64)>) -> f64 {
    let occurring = counts.into_iter().filter(|&(_, total)| total > 0);
    let shares = occurring.map(|(hits, total)| hits as f64 / total as f64);
    let (sum, n) = shares.fold((0.0, 0_u32), |(sum, n), share| (sum + share, n + 1));
    sum / f64::from(n.max(1))
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn the_first_of_the_highest_is_predicted() {
        assert_eq!(argmax(&[0.1, 0.7, 0.2]), Some(1));
        assert_eq!(argmax(&[3, 1, 3]), Some(0));
        assert_eq!(argmax::<f64>(&[]), None);
    }

    #[test]
    fn a_rank_counts_the_classes_that_precede() {
        assert_eq!(
            [0, 1, 2].map(|class| rank(&[0.1, 0.7, 0.2], class)),
            [2, 0, 1]
        );
        // Of equals the later class precedes.
        assert_eq!(
            [0, 1, 2].map(|class| rank(&[0.5, 0.9, 0.5], class)),
            [2, 0, 1]
        );
    }

    #[test]
    fn a_ranking_is_in_the_order_of_the_ranks() {
        assert_eq!(ranking(&[0.1, 0.7, 0.2]), [1, 2, 0]);
        assert_eq!(ranking(&[0.5, 0.5, 0.9]), [2, 1, 0]);
        assert_eq!(ranking(&[f64::NAN, 0.5, f64::NAN, 0.9]), [3, 1, 2, 0]);
        let scores = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5];
        let ranks = ranking(&scores)
            .into_iter()
            .map(|class| rank(&scores, class));
        assert_eq!(
            ranks.collect::<Vec<_>>(),
            (0..scores.len()).collect::<Vec<_>>()
        );
    }

    // Three of class 0 (ranked 0, 1, 2), one of class 1 (ranked 1).
    const ROWS: [([f32; 3], usize); 4] = [
        ([3., 2., 1.], 0),
        ([2., 3., 1.], 0),
        ([1., 2., 3.], 0),
        ([3., 2., 1.], 1),
    ];

    fn top(rows: &[([f32; 3], usize)], k: usize) -> f64 {
        top_k_accuracy(
            rows.iter().map(|(scores, class)| (&scores[..], *class)),
            3,
            k,
        )
    }

    #[test]
    fn classes_count_alike() {
        assert_abs_diff_eq!(top(&ROWS, 1), (1. / 3. + 0.) / 2.);
        assert_abs_diff_eq!(top(&ROWS, 2), (2. / 3. + 1.) / 2.);
        assert_abs_diff_eq!(top(&ROWS, 3), 1.0);
        assert_abs_diff_eq!(mean_share([(1, 4), (0, 0), (3, 4)]), 0.5);
    }

    #[test]
    fn of_equal_scores_the_later_class_goes_first() {
        let of = |class, k| top(&[([0.; 3], class)], k);
        assert_abs_diff_eq!(of(2, 1), 1.0);
        assert_abs_diff_eq!(of(1, 1), 0.0);
        assert_abs_diff_eq!(of(1, 2), 1.0);
    }

    #[test]
    fn a_tie_counts_against_the_earlier_class() {
        let rows = [[0.6, 0.3, 0.1], [0.3, 0.3, 0.4], [0.1, 0.6, 0.3]];
        let top = |k| {
            let rows = rows.iter().map(|scores| &scores[..]);
            top_k_accuracy(rows.zip([0, 0, 1]), 3, k)
        };
        // Of class 0 the first of two rows: in the second, class 1 precedes it. Of class 1 the only row.
        assert_abs_diff_eq!(top(2), 0.75);
        assert_abs_diff_eq!(top(3), 1.0);
    }

    #[test]
    fn without_rows_the_accuracy_is_0() {
        assert_abs_diff_eq!(top(&[], 2), 0.0);
    }

    #[test]
    fn repeating_every_row_changes_nothing() {
        let twice = [ROWS, ROWS].concat();
        assert_abs_diff_eq!(top(&twice, 2), top(&ROWS, 2));
    }
}
