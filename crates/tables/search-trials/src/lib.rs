//! Table `search_trials`: a search over the pipeline's parameters.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// A parameter of a trial. Sorted by `trial`, `param`.
///
/// Searches differ in their parameters, so these are rows; a pivot over `param` makes columns of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchTrial {
    /// From 0, in the order in which they were tried.
    pub trial: u32,
    /// `complete`; `pruned`, stopped as hopeless; or `failed`.
    pub state: String,
    /// The median of the folds' scores; for a stopped trial, of the folds done; null for a failed one.
    pub score: Option<f64>,
    /// True if it is the complete trial of the highest score, of equals the first.
    pub best: bool,
    /// The parameter's dotted key in `params.toml`.
    pub param: String,
    /// The value of the parameter.
    pub value: String,
    /// The same as a number; null for flags and names.
    pub number: Option<f64>,
}

impl Table for SearchTrial {
    const NAME: &'static str = "search_trials";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (self.trial, &self.param).cmp(&(other.trial, &other.param))
    }
}
