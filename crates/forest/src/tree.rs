//! A decision tree (Breiman et al. 1984) on weighted rows, with scikit-learn's rules: which rows and features a split
//! may use, where its threshold lies, and when a node is a leaf.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use crate::{Criterion, Features, ForestParams};

/// A node purer than this is not split.
const PURE: f64 = f64::EPSILON;

/// A grown tree; the first node is the root.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
enum Node {
    /// Rows whose `feature` is at most `threshold` go to `left`, the others to `right`.
    Split {
        feature: usize,
        threshold: f64,
        left: usize,
        right: usize,
    },
    /// `[K]`, the classes' shares of the weight of the leaf's rows.
    Leaf(Vec<f64>),
}

/// What a tree is grown on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample<'a> {
    pub(crate) features: &'a Features,
    /// `[N]`, each below `n_classes`.
    pub(crate) labels: &'a [u32],
    pub(crate) n_classes: usize,
    /// `[N]`; rows of weight 0 are left out, the others count as one row each whatever their weight.
    pub(crate) weights: &'a [f64],
}

impl Tree {
    pub(crate) fn grow(sample: Sample<'_>, params: &ForestParams, rng: &mut ChaCha8Rng) -> Self {
        let mut rows: Vec<usize> = (0..sample.labels.len()).collect();
        rows.retain(|&row| sample.weights[row] > 0.0);
        let mut grower = Grower {
            sample,
            params,
            n_drawn: params.n_drawn(sample.features.n_features()),
            rng,
            nodes: Vec::new(),
        };
        grower.grow(&mut rows, 0);
        Self {
            nodes: grower.nodes,
        }
    }

    /// `[K]`, the shares of the leaf that a row comes to.
    pub(crate) fn shares(&self, features: &Features, row: usize) -> &[f64] {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf(shares) => return shares,
                Node::Split {
                    feature,
                    threshold,
                    left,
                    right,
                } => {
                    let goes_left = f64::from(features.at(row, *feature)) <= *threshold;
                    at = if goes_left { *left } else { *right };
                }
            }
        }
    }
}

struct Grower<'a> {
    sample: Sample<'a>,
    params: &'a ForestParams,
    /// Features drawn for a split.
    n_drawn: usize,
    rng: &'a mut ChaCha8Rng,
    nodes: Vec<Node>,
}

/// A way to part a node's rows.
struct Split {
    feature: usize,
    threshold: f64,
    /// The higher the better.
    gain: f64,
}

impl Grower<'_> {
    /// Adds the node of `rows`, which are reordered, and all below it; returns its place.
    fn grow(&mut self, rows: &mut [usize], depth: usize) -> usize {
        let place = self.nodes.len();
        let weights = self.class_weights(rows);
        let split = if self.is_leaf(rows.len(), depth, &weights) {
            None
        } else {
            self.best_split(rows, &weights)
        };
        self.nodes.push(Node::Leaf(shares(&weights)));
        if let Some(split) = split {
            let goes_left = |row: usize| {
                f64::from(self.sample.features.at(row, split.feature)) <= split.threshold
            };
            rows.sort_by_key(|&row| !goes_left(row));
            let (low, high) = rows.split_at_mut(rows.partition_point(|&row| goes_left(row)));
            let left = self.grow(low, depth + 1);
            let right = self.grow(high, depth + 1);
            self.nodes[place] = Node::Split {
                feature: split.feature,
                threshold: split.threshold,
                left,
                right,
            };
        }
        place
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
            weights[self.sample.labels[row] as usize] += self.sample.weights[row];
        }
        weights
    }

    /// The best split by features drawn without replacement; more are drawn as long as all of them are constant.
    fn best_split(&mut self, rows: &[usize], weights: &[f64]) -> Option<Split> {
        let mut features: Vec<usize> = (0..self.sample.features.n_features()).collect();
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

    /// Value and row, by value.
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
        let (mut low, mut high) = (vec![0.0; weights.len()], weights.to_vec());
        for (n_low, pair) in (1..).zip(values.windows(2)) {
            let [(value, row), (next, _)] = *pair else {
                unreachable!("windows of two")
            };
            let (label, weight) = (self.sample.labels[row] as usize, self.sample.weights[row]);
            low[label] += weight;
            high[label] -= weight;
            let least = self.params.min_samples_leaf;
            if value < next && n_low >= least && values.len() - n_low >= least {
                let gain = -self.weighed_impurity(&low) - self.weighed_impurity(&high);
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

    /// Impurity times weight.
    fn weighed_impurity(&self, weights: &[f64]) -> f64 {
        weights.iter().sum::<f64>() * self.impurity(weights)
    }

    fn impurity(&self, weights: &[f64]) -> f64 {
        let sum: f64 = weights.iter().sum();
        let shares = weights.iter().map(|weight| weight / sum);
        match self.params.criterion {
            Criterion::Gini => 1.0 - shares.map(|share| share * share).sum::<f64>(),
            // Differences of sums may fall a little below 0.
            Criterion::Entropy => shares
                .filter(|&share| share > 0.0)
                .map(|share| -share * share.log2())
                .sum(),
        }
    }
}

/// The split of the higher gain, of equals the first.
fn better(best: Option<Split>, other: Option<Split>) -> Option<Split> {
    match (best, other) {
        (Some(best), Some(other)) if other.gain > best.gain => Some(other),
        (None, other) => other,
        (best, _) => best,
    }
}

fn shares(weights: &[f64]) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    fn grow(rows: &[[f32; 2]], labels: &[u32], weights: &[f64], params: &ForestParams) -> Tree {
        let sample = Sample {
            features: &Features::from_rows(rows).unwrap(),
            labels,
            n_classes: 2,
            weights,
        };
        Tree::grow(sample, params, &mut ChaCha8Rng::seed_from_u64(1))
    }

    fn asked(tree: &Tree, x: f32) -> Vec<f64> {
        let features = Features::from_rows(&[[x, 0.0]]).unwrap();
        tree.shares(&features, 0).to_vec()
    }

    const LINE: [[f32; 2]; 4] = [[0.0, 7.0], [1.0, 7.0], [4.0, 7.0], [5.0, 7.0]];

    #[test]
    fn thresholds_lie_in_the_middle_and_constant_features_are_passed_over() {
        for criterion in [Criterion::Gini, Criterion::Entropy] {
            let params = ForestParams {
                features_per_split: Some(1),
                criterion,
                ..ForestParams::default()
            };
            let tree = grow(&LINE, &[0, 0, 1, 1], &[1.0; 4], &params);
            assert_eq!(asked(&tree, 2.5), [1.0, 0.0]);
            assert_eq!(asked(&tree, 2.6), [0.0, 1.0]);
        }
    }

    #[test]
    fn leaves_hold_shares_of_weight() {
        let params = ForestParams {
            min_samples_leaf: 2,
            ..ForestParams::default()
        };
        let tree = grow(&LINE, &[0, 1, 1, 1], &[1.0, 3.0, 1.0, 1.0], &params);
        assert_eq!(asked(&tree, 0.0), [0.25, 0.75]);
        assert_eq!(asked(&tree, 5.0), [0.0, 1.0]);
    }

    #[test]
    fn rows_of_no_weight_are_left_out() {
        let tree = grow(
            &LINE,
            &[0, 1, 1, 1],
            &[1.0, 0.0, 0.0, 1.0],
            &ForestParams::default(),
        );
        assert_eq!(asked(&tree, 2.5), [1.0, 0.0]);
        assert_eq!(asked(&tree, 2.6), [0.0, 1.0]);
    }
}
