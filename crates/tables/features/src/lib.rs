//! Table `features`: what a frozen network makes of every picture.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// A picture seen by a network that never learned the study's classes, without augmentation. Sorted by `backbone`, `path`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The network, such as `resnet18`; one for a file.
    pub backbone: String,
    /// Whether its weights were learned from other pictures; else they are random.
    pub pretrained: bool,
    /// As in `annotations`.
    pub path: String,
    /// `[C]`, what leaves the last block: the mean over the places of the picture, all of them finite.
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
