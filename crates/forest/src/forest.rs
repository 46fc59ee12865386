//! The forest: fit and prediction.

use numeric::Matrix;
use rayon::prelude::*;

use crate::draw::Balance;
use crate::tree::{Sample, Tree};
use crate::{ForestError, ForestParams};

/// A balanced random forest (Breiman 2001; Chen, Liaw, Breiman 2004): every class weighs the same, in the draw of a tree's
/// rows or, without a draw, in its splits. It is scikit-learn's (1.9) `RandomForestClassifier(class_weight="balanced")`
/// but for the random numbers.
#[derive(Debug)]
pub struct Forest {
    trees: Vec<Tree>,
    n_classes: usize,
    n_features: usize,
}

impl Forest {
    /// Fits a forest to `features` `[N, F]` and `labels` `[N]`, each below `n_classes`; `fitted` is called after each
    /// tree, in any order.
    ///
    /// # Errors
    /// Labels don't fit the rows or the classes, fewer than two classes occur, no feature varies, or a parameter is out
    /// of its range.
    pub fn fit(
        features: &Matrix,
        labels: &[usize],
        n_classes: usize,
        params: &ForestParams,
        seed: u64,
        fitted: impl Fn() + Sync,
    ) -> Result<Self, ForestError> {
        check_params(params)?;
        check_labels(features, labels, n_classes)?;
        if !any_varies(features) {
            return Err(ForestError::Constant(features.n_columns()));
        }
        let balance = Balance::of(labels, n_classes);
        let trees = (0..params.n_trees as u64).into_par_iter().map(|tree| {
            let mut rng = random::numbered(seed, tree);
            let weights = if params.bootstrap {
                balance.bootstrap(&mut rng)
            } else {
                balance.weights()
            };
            let sample = Sample {
                features,
                labels,
                n_classes,
                weights: &weights,
            };
            let tree = Tree::fit(sample, params, &mut rng);
            fitted();
            tree
        });
        Ok(Self {
            trees: trees.collect(),
            n_classes,
            n_features: features.n_columns(),
        })
    }

    /// `[N][K]`, class probabilities of the rows of `features` `[N, F]`: the mean over the trees of those of the row's
    /// leaf.
    ///
    /// # Errors
    /// `F` is not that of the rows that the forest was fitted to.
    pub fn probabilities(&self, features: &Matrix) -> Result<Vec<Vec<f64>>, ForestError> {
        if features.n_rows() == 0 {
            return Ok(Vec::new());
        }
        if features.n_columns() != self.n_features {
            let found = features.n_columns();
            return Err(ForestError::Width {
                row: 0,
                found,
                expected: self.n_features,
            });
        }
        let rows = (0..features.n_rows()).into_par_iter();
        Ok(rows
            .map(|row| self.class_probabilities(features, row))
            .collect())
    }

    fn class_probabilities(&self, features: &Matrix, row: usize) -> Vec<f64> {
        let mut sums = vec![0.0; self.n_classes];
        for tree in &self.trees {
            tree.add_class_probabilities(features, row, &mut sums);
        }
        sums.iter()
            .map(|sum| sum / self.trees.len() as f64)
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
        ("max_features", params.max_features, 1, "at least 1"),
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

fn check_labels(features: &Matrix, labels: &[usize], n_classes: usize) -> Result<(), ForestError> {
    if labels.len() != features.n_rows() {
        return Err(ForestError::LabelCount {
            labels: labels.len(),
            rows: features.n_rows(),
        });
    }
    if let Some(row) = labels.iter().position(|&label| label >= n_classes) {
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

/// Returns whether a feature differs between rows.
fn any_varies(features: &Matrix) -> bool {
    let is_first = |row: usize| {
        let mut pairs = features.row(row).iter().zip(features.row(0));
        pairs.all(|(a, b)| a.total_cmp(b).is_eq())
    };
    (0..features.n_rows()).any(|row| !is_first(row))
}

#[cfg(test)]
mod tests;
