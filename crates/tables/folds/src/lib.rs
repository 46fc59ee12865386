//! Table `folds`: assignment of each image to a fold.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::{Assignment, Table};

/// Assignment of an image. Sorted by `path`, one row for each row of `annotations`.
///
/// `A` is the type of the column `fold`, plain text while columns are traced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fold<A = Assignment> {
    /// As in `annotations`.
    pub path: String,
    /// The class.
    pub label: String,
    /// Author; all images of one have the same assignment, except in an existing split.
    pub author: Option<String>,
    /// `0`, `1`, … for the folds, `test`, or `train` for the training images of an existing split.
    pub fold: A,
}

impl Table for Fold {
    const NAME: &'static str = "folds";

    tables::columns!(Fold<String>);

    fn order(&self, other: &Self) -> Ordering {
        self.path.cmp(&other.path)
    }
}
