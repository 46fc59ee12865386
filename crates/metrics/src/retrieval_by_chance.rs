//! Retrieval by chance alone.

use std::collections::BTreeMap;

use crate::retrieval::Retrieval;

/// Expected [`retrieval`](crate::retrieval::retrieval) of points with these `labels` whose embeddings are random, so that a query's
/// references are in any order with the same probability. `None` where no two points share a label.
///
/// Of `m` references, `r` have the query's label. The nearest is one of them with the probability `r/m`. So is the one at
/// place `i`, and given that it is, each of the `i − 1` before it with the probability `(r − 1)/(m − 1)`: the precision
/// among the first `i`, taken where the `i`-th has the label, is `r/m · (1 + (i − 1)(r − 1)/(m − 1))/i` on average (as
/// Bestgen 2015, "Exact Expected Average Precision of the Random Baseline for System Evaluation"). MAP@R sums these over
/// `i = 1 … r`, over `r`.
#[must_use]
pub fn retrieval_by_chance(labels: &[usize]) -> Option<Retrieval> {
    let mut sizes = BTreeMap::new();
    for label in labels {
        *sizes.entry(label).or_insert(0_usize) += 1;
    }
    let n_references = labels.len().saturating_sub(1);
    let (mut n_queries, mut recall, mut precision) = (0, 0.0, 0.0);
    for size in sizes.into_values().filter(|&size| size > 1) {
        n_queries += size;
        recall += size as f64 * (size - 1) as f64 / n_references as f64;
        precision += size as f64 * average_precision(size - 1, n_references);
    }
    (n_queries > 0).then(|| Retrieval {
        recall_at_1: recall / n_queries as f64,
        map_at_r: precision / n_queries as f64,
        n_queries,
    })
}

/// Expected average precision at `r` of `m` references in random order, of which `r` have the query's label; at least 1.
fn average_precision(r: usize, m: usize) -> f64 {
    // Of a single reference nothing precedes: the share before it counts for nothing.
    let before = (r - 1) as f64 / (m - 1).max(1) as f64;
    let precision = |i: usize| (1.0 + (i - 1) as f64 * before) / i as f64;
    (1..=r).map(precision).sum::<f64>() / m as f64
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use numeric::Matrix;

    use super::*;
    use crate::retrieval::{Distance, retrieval};

    /// Every order of `items`.
    fn orders(items: &[usize]) -> Vec<Vec<usize>> {
        let with_first = |idx: usize| {
            let mut others = items.to_vec();
            let first = others.remove(idx);
            let orders = orders(&others).into_iter();
            orders.map(move |order| [vec![first], order].concat())
        };
        match items {
            [] => vec![Vec::new()],
            _ => (0..items.len()).flat_map(with_first).collect(),
        }
    }

    #[test]
    fn the_expected_precision_is_the_mean_over_all_orders() {
        for (r, m) in [(1, 1), (1, 4), (2, 2), (2, 5), (3, 6), (5, 6)] {
            let relevant: Vec<usize> = (0..m).map(|reference| usize::from(reference < r)).collect();
            let precision = |order: &Vec<usize>| {
                let hits = |i: usize| order[..i].iter().sum::<usize>() as f64;
                let at = (1..=r).filter(|&i| order[i - 1] == 1);
                at.map(|i| hits(i) / i as f64).sum::<f64>() / r as f64
            };
            let orders = orders(&relevant);
            let mean = orders.iter().map(precision).sum::<f64>() / orders.len() as f64;
            assert_abs_diff_eq!(average_precision(r, m), mean, epsilon = 1e-12);
        }
    }

    #[test]
    fn chance_by_hand() {
        // Each of the four has one other of its label among three.
        let found = retrieval_by_chance(&[0, 0, 1, 1]).unwrap();
        assert_abs_diff_eq!(found.recall_at_1, 1.0 / 3.0, epsilon = 1e-15);
        assert_abs_diff_eq!(found.map_at_r, 1.0 / 3.0, epsilon = 1e-15);
        // A point alone in its label is no query.
        let found = retrieval_by_chance(&[5, 3, 3]).unwrap();
        assert_eq!(found.n_queries, 2);
        assert_abs_diff_eq!(found.recall_at_1, 0.5, epsilon = 1e-15);
        // With one label, every order is right.
        let found = retrieval_by_chance(&[7; 9]).unwrap();
        assert_abs_diff_eq!(found.recall_at_1, 1.0, epsilon = 1e-15);
        assert_abs_diff_eq!(found.map_at_r, 1.0, epsilon = 1e-15);
        assert_eq!(retrieval_by_chance(&[0, 1]), None);
        assert_eq!(retrieval_by_chance(&[]), None);
    }

    #[test]
    fn random_embeddings_have_the_chance_scores_on_average() {
        let labels = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3];
        let expected = retrieval_by_chance(&labels).unwrap();
        let stream = random::Seed::new(1).stream("chance");
        let n = 2000;
        let (mut recall, mut precision) = (0.0, 0.0);
        for draw in 0..n {
            let mut rng = stream.at(draw, 0);
            let mut point = || {
                [
                    rand::Rng::random::<f32>(&mut rng),
                    rand::Rng::random(&mut rng),
                ]
            };
            let points: Vec<[f32; 2]> = labels.iter().map(|_| point()).collect();
            let points = Matrix::from_rows(&points).unwrap();
            let found = retrieval(&points, &labels, Distance::Euclidean);
            let found = found.unwrap().unwrap();
            assert_eq!(found.n_queries, expected.n_queries);
            recall += found.recall_at_1 / n as f64;
            precision += found.map_at_r / n as f64;
        }
        assert_abs_diff_eq!(recall, expected.recall_at_1, epsilon = 0.01);
        assert_abs_diff_eq!(precision, expected.map_at_r, epsilon = 0.01);
    }
}
