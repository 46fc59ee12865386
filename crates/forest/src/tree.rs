//! A decision tree (Breiman et al. 1984) on weighted rows, with scikit-learn's rules for the rows and features of a
//! split, its threshold, and leaves.

use std::ops::Range;

use numeric::Matrix;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use crate::{Criterion, ForestParams};

/// Impurity up to which a node is not split.
const PURE: f64 = f64::EPSILON;

/// A fitted tree; the first node is the root.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// Leaf after leaf: class and probability of each class of its rows. A leaf has as many entries as it has classes,
    /// and not `K`: with many classes nearly all probabilities are 0.
    class_probabilities: Vec<(u32, f64)>,
}

#[derive(Clone, Debug)]
enum Node {
    /// Rows whose `feature` is at most `threshold` go to the next node, the others to `right`.
    Split {
        threshold: f64,
        feature: u32,
        right: u32,
    },
    /// A range of the class probabilities.
    Leaf { start: u32, end: u32 },
}

/// Rows that a tree is fitted to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample<'a> {
    pub(crate) features: &'a Matrix,
    /// `[N]`, each below `n_classes`.
    pub(crate) labels: &'a [usize],
    pub(crate) n_classes: usize,
    /// `[N]`; rows of weight 0 are left out, the others count as one row each whatever their weight.
    pub(crate) weights: &'a [f64],
}

impl Tree {
    pub(crate) fn fit(sample: Sample<'_>, params: &ForestParams, rng: &mut ChaCha8Rng) -> Self {
        let mut rows: Vec<usize> = (0..sample.labels.len()).collect();
        rows.retain(|&row| sample.weights[row] > 0.0);
        let builder = TreeBuilder {
            sample,
            params,
            n_drawn: params.n_drawn(sample.features.n_columns()),
            rng,
            tree: Self {
                nodes: Vec::new(),
                class_probabilities: Vec::new(),
            },
        };
        builder.build(&mut rows)
    }

    /// Adds the class probabilities `[K]` of the row's leaf.
    pub(crate) fn add_class_probabilities(&self, features: &Matrix, row: usize, sums: &mut [f64]) {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf { start, end } => {
                    for &(class, probability) in
                        &self.class_probabilities[start as usize..end as usize]
                    {
                        sums[class as usize] += probability;
                    }
                    return;
                }
                Node::Split {
                    threshold,
                    feature,
                    right,
                } => {
                    let goes_left = f64::from(features.at(row, feature as usize)) <= threshold;
                    at = if goes_left { at + 1 } else { right as usize };
                }
            }
        }
    }

    /// Adds a leaf of rows with these weights of the classes `[K]`.
    fn push_leaf(&mut self, weights: &[f64]) {
        let sum: f64 = weights.iter().sum();
        let start = index(self.class_probabilities.len());
        let present = (0..).zip(weights).filter(|(_, weight)| **weight > 0.0);
        self.class_probabilities
            .extend(present.map(|(class, weight)| (class, weight / sum)));
        let end = index(self.class_probabilities.len());
        self.nodes.push(Node::Leaf { start, end });
    }
}

fn index(place: usize) -> u32 {
    u32::try_from(place).expect("a tree has fewer than 2^32 rows")
}

struct TreeBuilder<'a> {
    sample: Sample<'a>,
    params: &'a ForestParams,
    /// Features drawn for a split.
    n_drawn: usize,
    rng: &'a mut ChaCha8Rng,
    tree: Tree,
}

/// A node that is yet to be split.
struct PendingNode {
    /// Range of its rows.
    rows: Range<usize>,
    depth: usize,
    /// Split whose right branch it is.
    parent: Option<usize>,
}

/// A split of a node's rows.
struct Split {
    feature: usize,
    threshold: f64,
    /// Decrease of impurity; higher is better.
    gain: f64,
}

impl TreeBuilder<'_> {
    /// Splits `rows`, which are reordered: a node, all to its left, all to its right. It is a loop, as a tree may be
    /// deeper than a thread's stack.
    fn build(mut self, rows: &mut [usize]) -> Tree {
        let mut pending = vec![PendingNode {
            rows: 0..rows.len(),
            depth: 0,
            parent: None,
        }];
        while let Some(node) = pending.pop() {
            let place = self.tree.nodes.len();
            if let Some(Node::Split { right, .. }) =
                node.parent.map(|parent| &mut self.tree.nodes[parent])
            {
                *right = index(place);
            }
            let of_node = &mut rows[node.rows.clone()];
            let weights = self.class_weights(of_node);
            let split = match self.is_leaf(of_node.len(), node.depth, &weights) {
                true => None,
                false => self.best_split(of_node, &weights),
            };
            let Some(split) = split else {
                self.tree.push_leaf(&weights);
                continue;
            };
            let middle = node.rows.start + self.part(of_node, &split);
            self.tree.nodes.push(Node::Split {
                threshold: split.threshold,
                feature: index(split.feature),
                right: 0,
            });
            pending.push(PendingNode {
                rows: middle..node.rows.end,
                depth: node.depth + 1,
                parent: Some(place),
            });
            pending.push(PendingNode {
                rows: node.rows.start..middle,
                depth: node.depth + 1,
                parent: None,
            });
        }
        self.tree
    }

    /// Partitions the rows, those that go left first, and returns their number.
    fn part(&self, rows: &mut [usize], split: &Split) -> usize {
        let goes_left =
            |row: usize| f64::from(self.sample.features.at(row, split.feature)) <= split.threshold;
        rows.sort_by_key(|&row| !goes_left(row));
        rows.partition_point(|&row| goes_left(row))
    }

    fn is_leaf(&self, n_rows: usize, depth: usize, weights: &[f64]) -> bool {
        let params = self.params;
        params
            .max_depth
            .is_some_and(|most| depth >= usize::from(most))
            || n_rows < params.min_samples_split
            || n_rows < 2 * params.min_samples_leaf
            || self.impurity(weights) <= PURE
    }

    fn class_weights(&self, rows: &[usize]) -> Vec<f64> {
        let mut weights = vec![0.0; self.sample.n_classes];
        for &row in rows {
            weights[self.sample.labels[row]] += self.sample.weights[row];
        }
        weights
    }

    /// Best split by features drawn without replacement; more are drawn while all of them are constant.
    fn best_split(&mut self, rows: &[usize], weights: &[f64]) -> Option<Split> {
        let mut features: Vec<usize> = (0..self.sample.features.n_columns()).collect();
        let (mut best, mut any_varies): (Option<Split>, bool) = (None, false);
        for visited in 0..features.len() {
            if visited >= self.n_drawn && any_varies {
                break;
            }
            let drawn = self.rng.random_range(visited..features.len());
            features.swap(visited, drawn);
            let values = self.sorted(rows, features[visited]);
            if values[0].0 < values[values.len() - 1].0 {
                any_varies = true;
                let split = self.best_threshold(features[visited], &values, weights);
                best = better(best, split);
            }
        }
        best
    }

    /// Values with their rows, by value.
    fn sorted(&self, rows: &[usize], feature: usize) -> Vec<(f32, usize)> {
        let value = |&row: &usize| (self.sample.features.at(row, feature), row);
        let mut values: Vec<(f32, usize)> = rows.iter().map(value).collect();
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        values
    }

    fn best_threshold(
        &self,
        feature: usize,
        values: &[(f32, usize)],
        weights: &[f64],
    ) -> Option<Split> {
        let mut best: Option<Split> = None;
        let criterion = self.params.criterion;
        let mut low = Side::of(criterion, &vec![0.0; weights.len()]);
        let mut high = Side::of(criterion, weights);
        for (n_low, pair) in (1..).zip(values.windows(2)) {
            let [(value, row), (next, _)] = *pair else {
                unreachable!("windows of two")
            };
            let (label, weight) = (self.sample.labels[row], self.sample.weights[row]);
            low.add(label, weight);
            high.add(label, -weight);
            let least = self.params.min_samples_leaf;
            if value < next && n_low >= least && values.len() - n_low >= least {
                let gain = -low.weighed_impurity() - high.weighed_impurity();
                let threshold = f64::midpoint(f64::from(value), f64::from(next));
                let split = Split {
                    feature,
                    threshold,
                    gain,
                };
                best = better(best, Some(split));
            }
        }
        best
    }

    fn impurity(&self, weights: &[f64]) -> f64 {
        let sum: f64 = weights.iter().sum();
        let probabilities = weights.iter().map(|weight| weight / sum);
        match self.params.criterion {
            Criterion::Gini => 1.0 - probabilities.map(|p| p * p).sum::<f64>(),
            // Differences of sums may fall a little below 0.
            Criterion::Entropy => probabilities
                .filter(|&p| p > 0.0)
                .map(|p| -p * p.log2())
                .sum(),
        }
    }
}

/// Rows on one side of a threshold. Adding a row updates the impurity in a time that doesn't grow with `K`.
struct Side {
    criterion: Criterion,
    /// `[K]`, the weights `w` of the classes.
    weights: Vec<f64>,
    /// Their sum `W`.
    sum: f64,
    /// The sum of `f(w)` with the criterion's `f`.
    inner: f64,
}

impl Side {
    fn of(criterion: Criterion, weights: &[f64]) -> Self {
        let inner = weights.iter().map(|&weight| term(criterion, weight)).sum();
        Self {
            criterion,
            weights: weights.to_vec(),
            sum: weights.iter().sum(),
            inner,
        }
    }

    fn add(&mut self, class: usize, weight: f64) {
        let own = &mut self.weights[class];
        let before = term(self.criterion, *own);
        *own += weight;
        self.inner += term(self.criterion, *own) - before;
        self.sum += weight;
    }

    /// Impurity times weight: `W (1 - Σ (w/W)²) = W - Σ w² / W`, and `-W Σ (w/W) log₂ (w/W) = W log₂ W - Σ w log₂ w`.
    fn weighed_impurity(&self) -> f64 {
        match self.criterion {
            Criterion::Gini => self.sum - self.inner / self.sum,
            Criterion::Entropy => term(self.criterion, self.sum) - self.inner,
        }
    }
}

/// `w²` or `w log₂ w`.
fn term(criterion: Criterion, weight: f64) -> f64 {
    match criterion {
        Criterion::Gini => weight * weight,
        Criterion::Entropy if weight > 0.0 => weight * weight.log2(),
        Criterion::Entropy => 0.0,
    }
}

/// The split of higher gain; of equals the first.
fn better(best: Option<Split>, other: Option<Split>) -> Option<Split> {
    match (best, other) {
        (Some(best), Some(other)) if other.gain > best.gain => Some(other),
        (None, other) => other,
        (best, _) => best,
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    fn fit(rows: &[[f32; 2]], labels: &[usize], weights: &[f64], params: &ForestParams) -> Tree {
        let sample = Sample {
            features: &Matrix::from_rows(rows).unwrap(),
            labels,
            n_classes: 2,
            weights,
        };
        Tree::fit(sample, params, &mut ChaCha8Rng::seed_from_u64(1))
    }

    fn probabilities(tree: &Tree, x: f32) -> Vec<f64> {
        let features = Matrix::from_rows(&[[x, 0.0]]).unwrap();
        let mut probabilities = vec![0.0; 2];
        tree.add_class_probabilities(&features, 0, &mut probabilities);
        probabilities
    }

    const LINE: [[f32; 2]; 4] = [[0.0, 7.0], [1.0, 7.0], [4.0, 7.0], [5.0, 7.0]];

    #[test]
    fn thresholds_are_midpoints_and_constant_features_are_skipped() {
        for criterion in [Criterion::Gini, Criterion::Entropy] {
            let params = ForestParams {
                max_features: Some(1),
                criterion,
                ..ForestParams::default()
            };
            let tree = fit(&LINE, &[0, 0, 1, 1], &[1.0; 4], &params);
            assert_eq!(probabilities(&tree, 2.5), [1.0, 0.0]);
            assert_eq!(probabilities(&tree, 2.6), [0.0, 1.0]);
        }
    }

    #[test]
    fn leaves_have_weighted_class_probabilities() {
        let params = ForestParams {
            min_samples_leaf: 2,
            ..ForestParams::default()
        };
        let tree = fit(&LINE, &[0, 1, 1, 1], &[1.0, 3.0, 1.0, 1.0], &params);
        assert_eq!(probabilities(&tree, 0.0), [0.25, 0.75]);
        assert_eq!(probabilities(&tree, 5.0), [0.0, 1.0]);
    }

    #[test]
    fn rows_of_no_weight_are_left_out() {
        let tree = fit(
            &LINE,
            &[0, 1, 1, 1],
            &[1.0, 0.0, 0.0, 1.0],
            &ForestParams::default(),
        );
        assert_eq!(probabilities(&tree, 2.5), [1.0, 0.0]);
        assert_eq!(probabilities(&tree, 2.6), [0.0, 1.0]);
    }

    #[test]
    fn a_tree_can_be_as_deep_as_its_rows() {
        // Every split separates one row at the end: classes alternate, and a leaf has one class.
        let rows: Vec<[f32; 2]> = (0..4000).map(|i| [i as f32, 0.0]).collect();
        let labels: Vec<usize> = (0..4000).map(|i| i % 2).collect();
        let tree = fit(&rows, &labels, &vec![1.0; 4000], &ForestParams::default());
        assert_eq!(probabilities(&tree, 3.0), [0.0, 1.0]);
        assert_eq!(probabilities(&tree, 3998.0), [1.0, 0.0]);
        assert_eq!(tree.class_probabilities.len(), 4000);
    }

    #[test]
    fn the_impurity_of_a_side_is_that_of_its_classes() {
        // Weights 3 and 1 of 4: Gini 1 - 9/16 - 1/16 = 3/8; entropy 2 - 3/4 log₂ 3.
        let expected = [
            (Criterion::Gini, 1.5),
            (Criterion::Entropy, 8.0 - 3.0 * 3.0_f64.log2()),
        ];
        for (criterion, expected) in expected {
            let mut side = Side::of(criterion, &[1.0, 1.0, 0.0, 2.0]);
            side.add(0, 2.0);
            side.add(3, -2.0);
            assert!((side.weighed_impurity() - expected).abs() < 1e-12);
        }
    }
}
