/// Class-weighted top-`k` accuracy: the share of rows whose label is among the `k` most probable classes, as the mean
/// over the classes that occur (scikit-learn's `top_k_accuracy_score` with weights 1/count of each class).
///
/// `probabilities` are `[N][K]`, `labels` `[N]`, each below `K`; the result is in `[0, 1]`, and 0 for no rows. Between
/// equal probabilities the higher class goes first, as in scikit-learn.
#[must_use]
pub fn top_k_accuracy(probabilities: &[Vec<f64>], labels: &[u32], k: usize) -> f64 {
    let n_classes = probabilities.first().map_or(0, Vec::len);
    let (mut hits, mut counts) = (vec![0.0; n_classes], vec![0.0; n_classes]);
    for (row, &label) in probabilities.iter().zip(labels) {
        let label = label as usize;
        counts[label] += 1.0;
        if rank(row, label) < k {
            hits[label] += 1.0;
        }
    }
    let occurring = hits.iter().zip(&counts).filter(|(_, count)| **count > 0.0);
    let shares: Vec<f64> = occurring.map(|(hits, count)| hits / count).collect();
    shares.iter().sum::<f64>() / shares.len().max(1) as f64
}

/// How many classes go before `label`.
fn rank(row: &[f64], label: usize) -> usize {
    let goes_before = |(class, other): &(usize, &f64)| {
        let order = other.total_cmp(&row[label]);
        order.is_gt() || (order.is_eq() && *class > label)
    };
    row.iter().enumerate().filter(goes_before).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_counts_the_same() {
        let rows = [
            vec![0.6, 0.3, 0.1],
            vec![0.3, 0.3, 0.4],
            vec![0.1, 0.6, 0.3],
        ];
        // Of class 0 the first of two rows: in the second, class 1 goes before it. Of class 1 the only row.
        assert!((top_k_accuracy(&rows, &[0, 0, 1], 2) - 0.75).abs() < 1e-12);
        assert!((top_k_accuracy(&rows, &[0, 0, 1], 3) - 1.0).abs() < 1e-12);
        assert!(top_k_accuracy(&[], &[], 2).abs() < 1e-12);
    }
}
