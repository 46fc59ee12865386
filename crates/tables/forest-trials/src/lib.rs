//! Table `forest_trials`: hyperparameter search of the forest.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// A trial of the search. Sorted by `trial`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForestTrial {
    /// Number of the trial. 0 is the forest with the parameters of `[forest]`, which the search has to improve.
    pub trial: u32,
    /// Number of trees.
    pub n_trees: u32,
    /// Splits from the root to the deepest leaf; 0 for no limit.
    pub max_depth: u32,
    /// Minimum rows of a leaf.
    pub min_samples_leaf: u32,
    /// Minimum rows of a node that may be split.
    pub min_samples_split: u32,
    /// Dimensions of the embedding drawn for each split; 0 for the square root of their number.
    pub max_features: u32,
    /// Impurity that splits reduce: `gini` or `entropy`.
    pub criterion: String,
    /// True if each tree was fitted to a bootstrap sample.
    pub bootstrap: bool,
    /// Class-weighted top-2 accuracy on the validation images, top-1 where there are two classes, in `[0, 1]`.
    pub score: f64,
    /// Mean of `−ln p` of the true class over the validation images, in nats.
    pub log_loss: f64,
    /// True if it has the highest score; of equals, the lowest log-loss, then the first.
    pub best: bool,
}

impl Table for ForestTrial {
    const NAME: &'static str = "forest_trials";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        self.trial.cmp(&other.trial)
    }
}
