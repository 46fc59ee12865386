//! Agreement of two partitions of the same points, such as clusters and classes. Renaming labels changes nothing.

use std::collections::BTreeMap;

use crate::LabelCountError;

/// Adjusted Rand index (Hubert and Arabie 1985, equation 5), at most 1: the share of pairs of points that both partitions
/// join or both part, adjusted so that 0 is expected by chance. It is scikit-learn's `adjusted_rand_score`, except that
/// it is `None` where the index is 0/0 and scikit-learn has 1: where both partitions have a single label, or each point
/// is alone in both.
///
/// # Errors
/// `b` is not as long as `a`.
pub fn adjusted_rand_index(a: &[usize], b: &[usize]) -> Result<Option<f64>, LabelCountError> {
    let table = Contingency::of(a, b)?;
    let both = pairs(table.cells.values());
    let [in_a, in_b] = [&table.a, &table.b].map(|counts| pairs(counts.values()));
    let all = pairs([&table.n]);
    let is_trivial = |joined: f64| joined <= 0.0 || joined >= all;
    if is_trivial(in_a) && is_trivial(in_b) && (in_a <= 0.0) == (in_b <= 0.0) {
        return Ok(None);
    }
    let expected = in_a * in_b / all;
    Ok(Some(
        (both - expected) / (f64::midpoint(in_a, in_b) - expected),
    ))
}

/// Normalized mutual information (Strehl and Ghosh 2002), in `[0, 1]`: the mutual information of the two labels of a point
/// over the arithmetic mean of their entropies. It is not adjusted for chance. It is scikit-learn's
/// `normalized_mutual_info_score` with its default average, except that it is `None` where both partitions have a single
/// label and so no information, where scikit-learn has 1.
///
/// # Errors
/// `b` is not as long as `a`.
pub fn normalized_mutual_information(
    a: &[usize],
    b: &[usize],
) -> Result<Option<f64>, LabelCountError> {
    let table = Contingency::of(a, b)?;
    if table.a.len() < 2 && table.b.len() < 2 {
        return Ok(None);
    }
    let n = table.n as f64;
    let term = |(&(i, j), &count): (&(usize, usize), &u64)| {
        let (count, of_a, of_b) = (count as f64, table.a[&i] as f64, table.b[&j] as f64);
        count / n * (n * count / (of_a * of_b)).ln()
    };
    let information: f64 = table.cells.iter().map(term).sum();
    let mean_entropy = f64::midpoint(entropy(&table.a, n), entropy(&table.b, n));
    // Rounding can leave it slightly outside of its range.
    Ok(Some((information / mean_entropy).clamp(0.0, 1.0)))
}

/// Number of pairs of points with the same label, by the counts of the labels.
fn pairs<'a>(counts: impl IntoIterator<Item = &'a u64>) -> f64 {
    let pairs = counts.into_iter().map(|&n| n * n.saturating_sub(1) / 2);
    pairs.sum::<u64>() as f64
}

/// Entropy of labels with these counts, in nats.
fn entropy(counts: &BTreeMap<usize, u64>, n: f64) -> f64 {
    let shares = counts.values().map(|&count| count as f64 / n);
    -shares.map(|share| share * share.ln()).sum::<f64>()
}

/// Numbers of points by label of either partition, and by both.
struct Contingency {
    n: u64,
    a: BTreeMap<usize, u64>,
    b: BTreeMap<usize, u64>,
    cells: BTreeMap<(usize, usize), u64>,
}

impl Contingency {
    fn of(a: &[usize], b: &[usize]) -> Result<Self, LabelCountError> {
        if a.len() != b.len() {
            return Err(LabelCountError {
                found: b.len(),
                expected: a.len(),
            });
        }
        let mut table = Self {
            n: a.len() as u64,
            a: BTreeMap::new(),
            b: BTreeMap::new(),
            cells: BTreeMap::new(),
        };
        for (&i, &j) in a.iter().zip(b) {
            *table.a.entry(i).or_insert(0) += 1;
            *table.b.entry(j).or_insert(0) += 1;
            *table.cells.entry((i, j)).or_insert(0) += 1;
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    fn both(a: &[usize], b: &[usize]) -> (Option<f64>, Option<f64>) {
        let ari = adjusted_rand_index(a, b).unwrap();
        (ari, normalized_mutual_information(a, b).unwrap())
    }

    #[test]
    fn agreement_by_hand() {
        // Of 6 pairs, the first partition joins 2, the second 3, and both 1.
        let (ari, nmi) = both(&[0, 0, 1, 1], &[0, 0, 0, 1]);
        assert_abs_diff_eq!(ari.unwrap(), (1.0 - 1.0) / (2.5 - 1.0), epsilon = 1e-15);
        let (half, third) = (0.5_f64.ln(), (2.0_f64 / 3.0).ln());
        let information = 0.5 * (4.0_f64 / 3.0).ln() + 0.25 * third + 0.25 * 2.0_f64.ln();
        let entropies = -half - 0.75 * 0.75_f64.ln() - 0.25 * 0.25_f64.ln();
        assert_abs_diff_eq!(nmi.unwrap(), 2.0 * information / entropies, epsilon = 1e-15);
    }

    #[test]
    fn renaming_labels_changes_nothing() {
        let (ari, nmi) = both(&[0, 0, 1, 1, 2], &[7, 7, 3, 3, 5]);
        assert_abs_diff_eq!(ari.unwrap(), 1.0, epsilon = 1e-15);
        assert_abs_diff_eq!(nmi.unwrap(), 1.0, epsilon = 1e-15);
        let (a, b) = ([0, 1, 2, 0, 1, 1], [4, 4, 2, 2, 9, 9]);
        let renamed = a.map(|label| 10 - label);
        let ((ari, nmi), (swapped_ari, swapped_nmi)) = (both(&a, &b), both(&b, &renamed));
        assert_abs_diff_eq!(ari.unwrap(), swapped_ari.unwrap(), epsilon = 1e-15);
        assert_abs_diff_eq!(nmi.unwrap(), swapped_nmi.unwrap(), epsilon = 1e-15);
    }

    #[test]
    fn agreement_without_information_is_undefined() {
        assert_eq!(both(&[], &[]), (None, None));
        assert_eq!(both(&[1], &[2]), (None, None));
        assert_eq!(both(&[1, 1], &[2, 2]), (None, None));
        // Each point alone in both: no pair is joined, but the labels determine each other.
        let (ari, nmi) = both(&[0, 1, 2], &[5, 3, 4]);
        assert_eq!(ari, None);
        assert_abs_diff_eq!(nmi.unwrap(), 1.0, epsilon = 1e-15);
        // One cluster has no information on the classes, and neither have single points.
        assert_eq!(both(&[0, 0, 0], &[0, 1, 1]), (Some(0.0), Some(0.0)));
        assert_eq!(both(&[0, 0, 0], &[0, 1, 2]), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn partitions_are_of_the_same_points() {
        let error = adjusted_rand_index(&[0, 1], &[0]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "labels: found 1, expected 2, one for each point"
        );
        assert!(normalized_mutual_information(&[0], &[0, 1]).is_err());
    }
}
