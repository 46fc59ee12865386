//! Parameters of a forest.

use serde::{Deserialize, Serialize};

/// Impurity that a split reduces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Criterion {
    /// Probability that two rows of a node differ in class.
    #[default]
    Gini,
    /// Entropy of the classes of a node.
    Entropy,
}

impl Criterion {
    /// Name in parameters and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gini => "gini",
            Self::Entropy => "entropy",
        }
    }

    /// Criterion by name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = [Self::Gini, Self::Entropy].into_iter();
        all.find(|criterion| criterion.name() == name)
    }
}

/// Shape of a forest as settings have it: 0 for no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Number of trees, at least 1.
    pub n_trees: usize,
    /// Splits from the root to the deepest leaf; 0 for no limit.
    pub max_depth: u16,
    /// Least rows of a leaf, at least 1.
    pub min_samples_leaf: usize,
    /// Least rows of a node that may be split, at least 2.
    pub min_samples_split: usize,
    /// Features drawn for each split; 0 for the square root of their number.
    pub max_features: usize,
    /// Impurity that a split reduces.
    pub criterion: Criterion,
    /// Draw of each tree's rows, with replacement; otherwise all trees have all rows.
    pub bootstrap: bool,
}

impl From<Shape> for ForestParams {
    fn from(shape: Shape) -> Self {
        Self {
            n_trees: shape.n_trees,
            max_depth: (shape.max_depth > 0).then_some(shape.max_depth),
            min_samples_leaf: shape.min_samples_leaf,
            min_samples_split: shape.min_samples_split,
            max_features: (shape.max_features > 0).then_some(shape.max_features),
            criterion: shape.criterion,
            bootstrap: shape.bootstrap,
        }
    }
}

/// Shape of a forest. Rows count once each, whatever their weight or number of draws.
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
    pub max_features: Option<usize>,
    /// Draw of each tree's rows, with replacement; otherwise all trees have all rows.
    pub bootstrap: bool,
    /// Impurity that a split reduces.
    pub criterion: Criterion,
}

impl ForestParams {
    /// Features drawn for each split of `n_features`.
    pub(crate) fn n_drawn(&self, n_features: usize) -> usize {
        let wanted = self.max_features.unwrap_or(n_features.isqrt());
        wanted.clamp(1, n_features.max(1))
    }
}

impl Default for ForestParams {
    /// scikit-learn's defaults.
    fn default() -> Self {
        Self {
            n_trees: 100,
            max_depth: None,
            min_samples_leaf: 1,
            min_samples_split: 2,
            max_features: None,
            bootstrap: true,
            criterion: Criterion::Gini,
        }
    }
}
