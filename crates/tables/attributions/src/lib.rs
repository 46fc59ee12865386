//! Table `attributions`: occlusion maps and Grad-CAM of the selected network.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// Minimum number of cells along each side of a heat map that localizes a part of an image: [`Attribution::cam_layer`]
/// is the last layer whose map has them, and smaller maps are not shown.
pub const MIN_CAM_SIDE: u32 = 6;

/// An image that the network was not trained on, with two maps of the evidence for its true class. Sorted by `label`,
/// `path`.
///
/// Both maps cover the network's input, the center crop of the resized image, and are stored by rows from the top.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// As in `annotations`.
    pub path: String,
    /// The true class.
    pub label: String,
    /// `validation` or `test`, as in `predictions`.
    pub subset: Subset,
    /// The class of the highest probability.
    pub top1: String,
    /// Its probability.
    pub top1_probability: f64,
    /// The class of the second highest probability.
    pub top2: String,
    /// Its probability.
    pub top2_probability: f64,
    /// The true class's probability.
    pub probability: f64,
    /// Largest of `probability_drops` minus the smallest, in `[0, 2]`.
    pub range: f64,
    /// `G`, cells of the occlusion map along each side.
    pub cells: u32,
    /// Cells along each side of an occlusion window.
    pub window: u32,
    /// `[G, G]`, drop of the true class's probability when a window over the cell is blanked, in `[-1, 1]`; the mean over
    /// all windows that cover the cell.
    pub probability_drops: Vec<f32>,
    /// Layer of the ResNet that the heat map is of, `layer1` to `layer4`: the last one whose map has [`MIN_CAM_SIDE`]
    /// cells a side, or else the first.
    pub cam_layer: String,
    /// `S`, cells of the heat map along each side.
    pub cam_side: u32,
    /// `[S, S]`, Grad-CAM of the true class on the last block of `cam_layer`, not negative.
    pub cam: Vec<f32>,
}

impl Table for Attribution {
    const NAME: &'static str = "attributions";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.label, &self.path).cmp(&(&other.label, &other.path))
    }

    fn vectors(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("probability_drops", self.probability_drops.len()),
            ("cam", self.cam.len()),
        ]
    }
}
