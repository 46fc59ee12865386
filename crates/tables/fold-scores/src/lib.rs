//! Table `fold_scores`: metrics of each fold's model on the fold.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// A metric of a fold's model on the fold's validation images. Sorted by `model`, `features`, `selected_by`, `fold`,
/// `metric`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldScore {
    /// As in `out_of_fold`.
    pub model: String,
    /// As in `out_of_fold`.
    pub features: Option<String>,
    /// Selection of the epoch, or of the regularization: `other folds`, by the validation images of the other folds; `own
    /// fold`, by the images that are scored, which is optimistic; `nothing`, where nothing was selected.
    pub selected_by: String,
    /// The fold left out.
    pub fold: u32,
    /// Epoch of the network, from 0; null for models without epochs.
    pub epoch: Option<u32>,
    /// Number of images.
    pub images: u32,
    /// Number of authors; an image without a known author counts as one.
    pub authors: u32,
    /// Name of the metric, as in `scores`.
    pub metric: String,
    /// Its value.
    pub value: f64,
}

impl Table for FoldScore {
    const NAME: &'static str = "fold_scores";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        let key = |row: &Self| {
            let names = [&row.model, &row.selected_by, &row.metric].map(Clone::clone);
            let [model, selected_by, metric] = names;
            (model, row.features.clone(), selected_by, row.fold, metric)
        };
        key(self).cmp(&key(other))
    }
}
