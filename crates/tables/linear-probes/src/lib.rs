//! Table `linear_probes`: scores of linear layers and forests on the features of frozen networks, in long form.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// A metric of a classifier on a backbone's features, fitted to the training images of a fold. Sorted by `backbone`,
/// `classifier`, `c`, `fold`, `subset`, `metric`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearProbe {
    /// As in `features`.
    pub backbone: String,
    /// As in `features`.
    pub pretrained: bool,
    /// Number of features.
    pub features: u32,
    /// `linear` or `forest`.
    pub classifier: String,
    /// Inverse regularization strength of a linear layer (scikit-learn's `C`); null for a forest.
    pub c: Option<f64>,
    /// Whether `c` has the highest mean top-2 over the folds' validation images, top-1 where there are two classes; of equals
    /// the lowest mean log-loss, then the lowest `c`. True for a forest.
    pub selected: bool,
    /// The fold left out, for validation.
    pub fold: u32,
    /// `train`, `validation` or `test`, as the fold has it.
    pub subset: Subset,
    /// `accuracy`; `top1` or `top2`, with equal weights of the classes; `log_loss`, in nats.
    pub metric: String,
    /// Its value; in `[0, 1]` but for the log-loss, of which lower is better.
    pub value: f64,
}

impl LinearProbe {
    /// `c` as a number to sort by.
    fn rank(&self) -> f64 {
        self.c.unwrap_or(f64::INFINITY)
    }
}

impl Table for LinearProbe {
    const NAME: &'static str = "linear_probes";

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
