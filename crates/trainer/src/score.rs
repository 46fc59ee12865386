//! The one score that training computes, what the best epoch is selected by; and probabilities.

/// Class-weighted top-`k` accuracy: the share of pictures whose label is among the `k` largest logits, as the mean over
/// the classes that occur (scikit-learn's `top_k_accuracy_score` with weights 1/count of each class).
///
/// `logits` are `N` rows of `n_classes`, `labels` `N` codes; the result is in `[0, 1]`, and 0 for no pictures. Between
/// equal logits the higher class goes first, as in scikit-learn.
pub fn top_k_accuracy(logits: &[f32], labels: &[u32], n_classes: usize, k: usize) -> f64 {
    let mut hits = vec![0_usize; n_classes];
    let mut counts = vec![0_usize; n_classes];
    for (row, &label) in logits.chunks_exact(n_classes).zip(labels) {
        let label = label as usize;
        counts[label] += 1;
        hits[label] += usize::from(rank(row, label) < k);
    }
    let shares: Vec<f64> = hits
        .iter()
        .zip(&counts)
        .filter(|&(_, &count)| count > 0)
        .map(|(&hits, &count)| hits as f64 / count as f64)
        .collect();
    shares.iter().sum::<f64>() / shares.len().max(1) as f64
}

/// How many classes go before `label`: 0 for the largest logit.
fn rank(row: &[f32], label: usize) -> usize {
    let own = row[label];
    row.iter()
        .enumerate()
        .filter(|&(class, &logit)| logit > own || (logit >= own && class > label))
        .count()
}

/// The probabilities of logits `[K]`; they sum to 1.
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    // Shifted by the largest, no exponential overflows.
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> = logits
        .iter()
        .map(|&logit| f64::from(logit - largest).exp())
        .collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials
        .iter()
        .map(|exponential| to_f32(exponential / sum))
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "tables hold probabilities as f32"
)]
fn to_f32(probability: f64) -> f32 {
    probability as f32
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    // Three of class 0 (ranked 0, 1, 2), one of class 1 (ranked 1).
    const LOGITS: [f32; 12] = [3., 2., 1., 2., 3., 1., 1., 2., 3., 3., 2., 1.];
    const LABELS: [u32; 4] = [0, 0, 0, 1];

    #[test]
    fn classes_count_alike() {
        let top = |k| top_k_accuracy(&LOGITS, &LABELS, 3, k);
        assert_abs_diff_eq!(top(1), (1. / 3. + 0.) / 2.);
        assert_abs_diff_eq!(top(2), (2. / 3. + 1.) / 2.);
        assert_abs_diff_eq!(top(3), 1.0);
    }

    #[test]
    fn of_equal_logits_the_higher_class_goes_first() {
        assert_abs_diff_eq!(top_k_accuracy(&[0., 0., 0.], &[2], 3, 1), 1.0);
        assert_abs_diff_eq!(top_k_accuracy(&[0., 0., 0.], &[1], 3, 1), 0.0);
        assert_abs_diff_eq!(top_k_accuracy(&[0., 0., 0.], &[1], 3, 2), 1.0);
    }

    #[test]
    fn no_pictures_score_nothing() {
        assert_abs_diff_eq!(top_k_accuracy(&[], &[], 3, 2), 0.0);
    }

    #[test]
    fn repeating_every_picture_changes_nothing() {
        let twice = |values: &[f32]| [values, values].concat();
        let labels = [LABELS, LABELS].concat();
        assert_abs_diff_eq!(
            top_k_accuracy(&twice(&LOGITS), &labels, 3, 2),
            top_k_accuracy(&LOGITS, &LABELS, 3, 2)
        );
    }
}
