//! Table `probes`: how well classes can be read from the features of frozen networks, in long form.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A metric of a classifier on a backbone's features, fitted to a fold's training pictures. Sorted by `backbone`,
/// `classifier`, `strength`, `fold`, `subset`, `metric`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearProbe {
    /// As in `features`.
    pub backbone: String,
    /// As in `features`.
    pub pretrained: bool,
    /// How many features a picture has.
    pub features: u32,
    /// `linear` or `forest`.
    pub classifier: String,
    /// What a linear classifier's errors count against the size of its weights (scikit-learn's `C`); null of a forest.
    pub strength: Option<f64>,
    /// Whether the strength has the highest median top-2 over the folds' validation images, of equals the highest top-1, then the
    /// lowest strength; always of a forest.
    pub chosen: bool,
    /// The fold left out, which validates.
    pub fold: u32,
    /// `train`, `validation` or `test`, as the fold has it.
    pub subset: Subset,
    /// `top1` or `top2`, in which every class counts the same.
    pub metric: String,
    /// Its value, in `[0, 1]`.
    pub value: f64,
}

impl LinearProbe {
    /// The strength as a number to sort by.
    fn rank(&self) -> f64 {
        self.strength.unwrap_or(f64::INFINITY)
    }
}

impl Table for LinearProbe {
    const NAME: &'static str = "probes";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.backbone, &self.classifier)
            .cmp(&(&other.backbone, &other.classifier))
            .then(self.rank().total_cmp(&other.rank()))
            .then((self.fold, self.subset, &self.metric).cmp(&(
                other.fold,
                other.subset,
                &other.metric,
            )))
    }
}
