//! A forest of smartcore's trees, with the balance, the votes and the threads that smartcore's own lacks.

use rand::{RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Deserialize;
use smartcore::ensemble::random_forest_classifier::{
    RandomForestClassifier, RandomForestClassifierParameters,
};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::tree::decision_tree_classifier::SplitCriterion;

use crate::balance::Balance;
use crate::{Features, ForestError};

/// A forest of one tree: smartcore draws a bootstrap sample and few features a split only inside a forest.
type Tree = RandomForestClassifier<f32, u32, DenseMatrix<f32>, Vec<u32>>;

/// What a split is to make purer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Criterion {
    /// Chance that two rows of a node differ in class.
    #[default]
    Gini,
    /// Entropy of the classes of a node.
    Entropy,
}

/// The shape of a forest. Rows are counted as a tree gets them: equally many of each class, `N / K` or somewhat more.
#[derive(Clone, Copy, Debug)]
pub struct ForestParams {
    /// Number of trees, at least 1.
    pub n_trees: usize,
    /// Splits from the root to the deepest leaf, at least 1 (scikit-learn's meaning); without limit if not given.
    pub max_depth: Option<u16>,
    /// Least rows of a leaf, at least 1.
    pub min_samples_leaf: usize,
    /// Least rows of a node that may be split, at least 2.
    pub min_samples_split: usize,
    /// Features drawn for each split, at least 1; the square root of `F`, rounded down, if not given.
    pub features_per_split: Option<usize>,
    /// What a split is to make purer.
    pub criterion: Criterion,
}

impl Default for ForestParams {
    /// scikit-learn's defaults.
    fn default() -> Self {
        Self {
            n_trees: 100,
            max_depth: None,
            min_samples_leaf: 1,
            min_samples_split: 2,
            features_per_split: None,
            criterion: Criterion::Gini,
        }
    }
}

/// A balanced random forest (Breiman 2001; Chen, Liaw, Breiman 2004): each tree sees a sample of equally many rows of each
/// class, `N / K` on average.
#[derive(Debug)]
pub struct Forest {
    trees: Vec<Tree>,
    n_classes: usize,
    n_features: usize,
    /// The features that trees are grown on: constant ones would only waste the draws of a split.
    varying: Vec<usize>,
}

impl Forest {
    /// Grows a forest on `features` `[N, F]` and `labels` `[N]`, each below `n_classes`; `grown` is called after each
    /// tree, in any order.
    ///
    /// # Errors
    /// Labels don't fit the rows or the classes, fewer than two classes occur, no feature varies, or a parameter is out
    /// of its range.
    pub fn fit(
        features: &Features,
        labels: &[u32],
        n_classes: usize,
        params: &ForestParams,
        seed: u64,
        grown: impl Fn() + Sync,
    ) -> Result<Self, ForestError> {
        check_params(params)?;
        check_labels(features, labels, n_classes)?;
        let varying = features.varying();
        if varying.is_empty() {
            return Err(ForestError::Constant(features.n_features()));
        }
        let balance = Balance::of(labels, n_classes);
        let trees = (0..params.n_trees as u64)
            .into_par_iter()
            .map(|tree| {
                let mut rng = tree_rng(seed, tree);
                let rows = balance.draw(&mut rng);
                let y: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
                let x = features.select(&rows, &varying);
                let fitted = Tree::fit(&x, &y, tree_params(params, varying.len(), rng.next_u64()));
                grown();
                fitted.map_err(|source| ForestError::Tree {
                    doing: "grow a tree",
                    source,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            trees,
            n_classes,
            n_features: features.n_features(),
            varying,
        })
    }

    /// `[N][K]`, the share of trees that vote for each class, for the rows of `features` `[N, F]`.
    ///
    /// # Errors
    /// `F` is not that of the rows that the forest was grown on.
    pub fn probabilities(&self, features: &Features) -> Result<Vec<Vec<f64>>, ForestError> {
        if features.n_rows() == 0 {
            return Ok(Vec::new());
        }
        if features.n_features() != self.n_features {
            let found = features.n_features();
            return Err(ForestError::Width {
                row: 0,
                found,
                expected: self.n_features,
            });
        }
        let rows: Vec<usize> = (0..features.n_rows()).collect();
        let x = features.select(&rows, &self.varying);
        let votes: Vec<Vec<u32>> = self
            .trees
            .par_iter()
            .map(|tree| {
                tree.predict(&x).map_err(|source| ForestError::Tree {
                    doing: "ask a tree",
                    source,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(rows
            .into_iter()
            .map(|row| self.shares(votes.iter().map(|tree| tree[row])))
            .collect())
    }

    fn shares(&self, votes: impl Iterator<Item = u32>) -> Vec<f64> {
        let mut counts = vec![0_u32; self.n_classes];
        for class in votes {
            counts[class as usize] += 1;
        }
        counts
            .into_iter()
            .map(|count| f64::from(count) / self.trees.len() as f64)
            .collect()
    }
}

fn check_params(params: &ForestParams) -> Result<(), ForestError> {
    let least = [
        ("n_trees", Some(params.n_trees), 1, "at least 1"),
        (
            "max_depth",
            params.max_depth.map(usize::from),
            1,
            "at least 1",
        ),
        (
            "min_samples_leaf",
            Some(params.min_samples_leaf),
            1,
            "at least 1",
        ),
        (
            "min_samples_split",
            Some(params.min_samples_split),
            2,
            "at least 2",
        ),
        (
            "features_per_split",
            params.features_per_split,
            1,
            "at least 1",
        ),
    ];
    for (name, found, least, expected) in least {
        if let Some(found) = found.filter(|&found| found < least) {
            return Err(ForestError::Parameter {
                name,
                found,
                expected,
            });
        }
    }
    Ok(())
}

fn check_labels(features: &Features, labels: &[u32], n_classes: usize) -> Result<(), ForestError> {
    if labels.len() != features.n_rows() {
        return Err(ForestError::LabelCount {
            labels: labels.len(),
            rows: features.n_rows(),
        });
    }
    if let Some(row) = labels.iter().position(|&label| label as usize >= n_classes) {
        return Err(ForestError::Label {
            row,
            label: labels[row],
            n_classes,
        });
    }
    let mut occurring = labels.to_vec();
    occurring.sort_unstable();
    occurring.dedup();
    if occurring.len() < 2 {
        return Err(ForestError::TooFewClasses(occurring.len()));
    }
    Ok(())
}

fn tree_params(
    params: &ForestParams,
    n_features: usize,
    seed: u64,
) -> RandomForestClassifierParameters {
    RandomForestClassifierParameters {
        criterion: match params.criterion {
            Criterion::Gini => SplitCriterion::Gini,
            Criterion::Entropy => SplitCriterion::Entropy,
        },
        // smartcore counts the levels of nodes, scikit-learn the splits between them.
        max_depth: params.max_depth.map(|depth| depth.saturating_add(1)),
        min_samples_leaf: params.min_samples_leaf,
        min_samples_split: params.min_samples_split,
        n_trees: 1,
        m: Some(
            params
                .features_per_split
                .unwrap_or_else(|| n_features.isqrt())
                .clamp(1, n_features),
        ),
        keep_samples: false,
        seed,
    }
}

/// The randomness of one tree, whoever grows it.
fn tree_rng(seed: u64, tree: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(tree);
    rng
}

#[cfg(test)]
mod tests;
