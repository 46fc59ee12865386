//! Table `features`: features of every image by frozen networks.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// Features of an image by a network that was not trained on the study's classes, without augmentation: the means over the
/// views of an evaluation. Sorted by `backbone`, `path`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The network, such as `resnet18`; one per file.
    pub backbone: String,
    /// True if its weights are pretrained; else they are random.
    pub pretrained: bool,
    /// As in `annotations`.
    pub path: String,
    /// `[C]`, output of the last block, averaged over positions; finite.
    pub features: Vec<f32>,
}

impl Table for Feature {
    const NAME: &'static str = "features";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.backbone, &self.path).cmp(&(&other.backbone, &other.path))
    }

    fn vectors(&self) -> Vec<(&'static str, usize)> {
        vec![("features", self.features.len())]
    }
}
