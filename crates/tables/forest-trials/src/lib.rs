//! Table `forest_trials`: the search for a forest's parameters.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// A forest that was tried. Sorted by `trial`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForestTrial {
    /// From 0, in the order in which they were tried.
    pub trial: u32,
    /// Number of trees.
    pub n_trees: u32,
    /// Splits from the root to the deepest leaf; 0 for no limit.
    pub max_depth: u32,
    /// Least rows of a leaf.
    pub min_samples_leaf: u32,
    /// Least rows of a node that may be split.
    pub min_samples_split: u32,
    /// Dimensions of the embedding drawn for each split; 0 for the square root of their number.
    pub features_per_split: u32,
    /// What splits made purer: `gini` or `entropy`.
    pub criterion: String,
    /// Whether each tree drew its rows.
    pub bootstrap: bool,
    /// Class-weighted top-2 accuracy on the validation images, top-1 where there are two classes, in `[0, 1]`.
    pub score: f64,
    /// Whether it has the highest score, of equals the first.
    pub best: bool,
}

impl Table for ForestTrial {
    const NAME: &'static str = "forest_trials";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        self.trial.cmp(&other.trial)
    }
}
