//! Checks of settings against the collection and each other.

use std::collections::BTreeMap;

use model::{Depth, Freeze};
use serde::Deserialize;
use serde_json::Value;

use crate::finding::nearest;
use crate::{Finding, FoldSplit};

/// The settings that are checked. Faults that stages report at their start, such as the type of a number, are left to
/// them.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// Class of the device: `cpu`, `metal` or `cuda`.
    pub device: String,
    /// Depth of the ResNet.
    pub resnet: Depth,
    /// Dimensions of the embedding.
    pub embedding_size: usize,
    /// Freezes the ResNet's layers before its classifier.
    pub freeze_cnn: bool,
    /// Freezes the ResNet's classifier.
    pub freeze_fc: bool,
    /// Use of that classifier between features and embedder.
    pub classifier: bool,
    /// Freezes the running statistics of the ResNet's batch-norms.
    pub freeze_batch_norm: bool,
    /// `[split]`.
    pub split: Split,
    /// `[leakage]`.
    pub leakage: Leakage,
    /// `[train]`.
    pub train: Train,
    /// Side of the network's input in an evaluation, in pixels; 0 for that of the training.
    pub evaluation_px: usize,
    /// `[metric-learning]`.
    #[serde(rename = "metric-learning")]
    pub metric_learning: MetricLearning,
    /// `[attribution]`.
    pub attribution: Attribution,
    /// `[forest]`.
    pub forest: Value,
    /// `[forest-search]`.
    #[serde(rename = "forest-search")]
    pub forest_search: ForestSearch,
    /// `[linear-probe]`.
    #[serde(rename = "linear-probe")]
    pub linear_probe: LinearProbe,
    /// `[cluster]`.
    pub cluster: Cluster,
    /// `[embedding-evolution]`.
    #[serde(rename = "embedding-evolution")]
    pub embedding_evolution: EmbeddingEvolution,
    /// `[report]`.
    pub report: Report,
}

impl Settings {
    /// Name and value of the setting with the side of the network's input in an evaluation.
    fn evaluated_side(&self) -> (&'static str, usize) {
        match self.evaluation_px {
            0 => ("train.side_px", self.train.side_px),
            side_px => ("evaluation.side_px", side_px),
        }
    }

    /// Frozen parts of the network.
    pub fn freeze(&self) -> Freeze {
        Freeze {
            cnn: self.freeze_cnn,
            fc: self.freeze_fc,
            batch_norm: self.freeze_batch_norm,
        }
    }
}

/// Settings of `[split]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Split {
    /// Number of folds.
    pub folds: u32,
}

/// Settings of `[leakage]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Leakage {
    /// The fold that splits are compared on.
    pub fold: u32,
}

/// Settings of `[train]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Train {
    /// Passes over the training images.
    pub epochs: usize,
    /// Images a step.
    pub batch_size: usize,
    /// Images that go through the network together; 0 for a whole batch.
    pub micro_batch_size: usize,
    /// Side of the network's input in pixels.
    pub side_px: usize,
    /// The `k` of the top-k accuracy that selects the epoch.
    pub selection_k: usize,
    /// First epochs that train the head alone.
    pub head_epochs: usize,
    /// Epochs of the warm-up.
    pub warmup_epochs: f64,
    /// Decay of the average of the weights; 0 for none.
    pub ema_decay: f64,
    /// γ of the focal loss.
    pub focal_gamma: f64,
    /// α of mixup.
    pub mixup: f64,
    /// α of CutMix.
    pub cutmix: f64,
    /// `[train.augmentation]`.
    pub augmentation: Augmentation,
}

impl Train {
    /// Images that go through the network together in a step.
    pub fn images_together(&self) -> usize {
        model::images_together(self.batch_size, self.micro_batch_size)
    }
}

/// Settings of `[train.augmentation]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Augmentation {
    /// Least share of the image's area in a random crop.
    pub crop_area: f64,
}

/// Settings of `[metric-learning]`.
#[derive(Clone, Debug, Deserialize)]
pub struct MetricLearning {
    /// The validation fold.
    pub fold: u32,
    /// Held-out classes.
    pub held_out: Vec<String>,
    /// Dimensions of the embedding.
    pub embedding_size: usize,
    /// Passes over the training images.
    pub epochs: usize,
    /// Images a step.
    pub batch_size: usize,
}

/// Settings of `[attribution]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Attribution {
    /// Cells of the occlusion map along each side.
    pub cells: usize,
    /// Cells along each side of a blanked window.
    pub window: usize,
}

/// Settings of `[forest-search]`.
#[derive(Clone, Debug, Deserialize)]
pub struct ForestSearch {
    /// Number of trials.
    pub trials: usize,
    /// Forests fitted in parallel.
    pub parallel: usize,
    /// Search space, by name.
    pub space: BTreeMap<String, Value>,
}

/// Settings of `[linear-probe]`.
#[derive(Clone, Debug, Deserialize)]
pub struct LinearProbe {
    /// Inverse regularization strengths, scikit-learn's `C`.
    pub c: Vec<f64>,
}

/// Settings of `[cluster]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Cluster {
    /// Least number of clusters.
    pub k_min: usize,
    /// Greatest number of clusters.
    pub k_max: usize,
    /// `[cluster.umap]`.
    pub umap: Umap,
}

/// Settings of `[cluster.umap]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Umap {
    /// Neighbors of an image, itself included.
    pub n_neighbors: usize,
    /// Distance in the embedding below which images are not drawn closer.
    pub min_dist: f64,
}

/// Settings of `[embedding-evolution]`.
#[derive(Clone, Debug, Deserialize)]
pub struct EmbeddingEvolution {
    /// Epochs shown, from 0.
    pub epochs: Vec<usize>,
}

/// Settings of `[report]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    /// The long side of an example in pixels.
    pub thumbnail_px: u32,
}

/// Checks the settings against the study's own split.
pub fn check_settings(settings: &Settings, split: &FoldSplit, findings: &mut Vec<Finding>) {
    check_classes(settings, split, findings);
    check_held_out(settings, split, findings);
    check_folds(settings, findings);
    check_training(settings, split, findings);
    check_augmentation(&settings.train, findings);
    check_reading(settings, split, findings);
}

fn check_classes(settings: &Settings, split: &FoldSplit, findings: &mut Vec<Finding>) {
    let labels = split.labels();
    if labels.len() < 2 {
        let found = match labels.first() {
            Some(label) => format!("the collection has 1 class, `{label}`"),
            None => "the collection has no class".to_owned(),
        };
        findings.push(Finding::new(
            format!("{found}, expected at least 2"),
            "add a folder for each other class, or check `images.folder`, `annotate.classes` and `annotate.leave_out`",
        ));
    }
    let k = settings.train.selection_k;
    if k == 0 || labels.len() > 1 && k >= labels.len() {
        findings.push(Finding::new(
            format!(
                "`train.selection_k` is {k}, expected 1 to {}, as there are {} classes",
                labels.len().saturating_sub(1),
                labels.len()
            ),
            "set `train.selection_k = 1`",
        ));
    }
}

fn check_held_out(settings: &Settings, split: &FoldSplit, findings: &mut Vec<Finding>) {
    let labels = split.labels();
    let held_out = &settings.metric_learning.held_out;
    let unknown = held_out
        .iter()
        .filter(|name| !labels.contains(&name.as_str()));
    for name in unknown {
        findings.push(Finding::new(
            format!("`metric-learning.held_out` has `{name}`, which is no class"),
            format!(
                "{} The classes are {}; set `metric-learning.held_out = []` to hold none out",
                nearest(name, labels.iter().copied()),
                labels.join(", ")
            ),
        ));
    }
    let learned: Vec<&str> = { labels.iter().copied() }
        .filter(|label| !held_out.iter().any(|name| name == label))
        .collect();
    if learned.len() < 2 && labels.len() > 1 {
        findings.push(Finding::new(
            format!(
                "`metric-learning.held_out` leaves {} of {} classes to learn, expected at least 2",
                learned.len(),
                labels.len()
            ),
            "set `metric-learning.held_out = []`",
        ));
    }
}

fn check_folds(settings: &Settings, findings: &mut Vec<Finding>) {
    let folds = settings.split.folds;
    for (name, fold) in [
        ("leakage.fold", settings.leakage.fold),
        ("metric-learning.fold", settings.metric_learning.fold),
    ] {
        if fold >= folds {
            findings.push(Finding::new(
                format!("`{name}` is {fold}, expected less than `split.folds`, {folds}"),
                format!("set `{name} = 0`"),
            ));
        }
    }
}

fn check_training(settings: &Settings, split: &FoldSplit, findings: &mut Vec<Finding>) {
    let side_px = settings.train.side_px;
    if !(8..=2048).contains(&side_px) {
        findings.push(Finding::new(
            format!("`train.side_px` is {side_px}, expected 8 to 2048"),
            "set `train.side_px = 224`, or 48 for a quick study",
        ));
    }
    let labels = split.labels();
    check_batch_sizes(settings, findings);
    let fewest = (0..settings.split.folds).map(|fold| (split.trained_on(fold, &labels), fold));
    if let Some((n, fold)) = fewest.min().filter(|(n, _)| *n < 2 && labels.len() > 1) {
        findings.push(Finding::new(
            format!("fold {fold} trains on {n} images, expected at least 2"),
            "add images, or set fewer `split.folds`",
        ));
    }
    let held_out = &settings.metric_learning.held_out;
    let learned: Vec<&str> = { labels.into_iter() }
        .filter(|label| !held_out.iter().any(|name| name == label))
        .collect();
    let fold = settings.metric_learning.fold;
    let empty: Vec<&str> = { learned.iter().copied() }
        .filter(|label| split.trained_on(fold, &[*label]) == 0)
        .collect();
    if fold != settings.leakage.fold && fold < settings.split.folds && !empty.is_empty() {
        findings.push(Finding::new(
            format!(
                "`metric-learning.fold` {fold} has no training image of `{}`",
                empty.join("`, `")
            ),
            "set another `metric-learning.fold`, or hold the class out by `metric-learning.held_out`",
        ));
    }
}

/// A batch of one image has no statistics of its channels but its own; at 32 pixels, the last block's maps have one
/// position, and none at all. Metric learning freezes no statistics.
fn check_batch_sizes(settings: &Settings, findings: &mut Vec<Finding>) {
    let sizes = [
        (
            "train.batch_size",
            settings.train.batch_size,
            settings.freeze_batch_norm,
        ),
        (
            "train.micro_batch_size",
            settings.train.images_together(),
            settings.freeze_batch_norm || settings.train.micro_batch_size == 0,
        ),
        (
            "metric-learning.batch_size",
            settings.metric_learning.batch_size,
            false,
        ),
    ];
    for (setting, batch_size, is_frozen) in sizes {
        if batch_size >= 2 || is_frozen {
            continue;
        }
        let remedy = if setting.starts_with("train.") {
            ", or `model.freeze_batch_norm = true` with pretrained weights"
        } else {
            ""
        };
        findings.push(Finding::new(
            format!(
                "`{setting}` is {batch_size}, expected at least 2: batch normalization needs the statistics of \
                 several images"
            ),
            format!("set `{setting} = 16`{remedy}"),
        ));
    }
}

fn check_augmentation(train: &Train, findings: &mut Vec<Finding>) {
    let Train {
        focal_gamma,
        mixup,
        cutmix,
        batch_size,
        ..
    } = *train;
    for (name, alpha) in [("mixup", mixup), ("cutmix", cutmix)] {
        if !(0.0..).contains(&alpha) {
            findings.push(Finding::new(
                format!("`train.{name}` is {alpha}, expected 0 or greater"),
                format!("set `train.{name} = 0.0` for none"),
            ));
        }
    }
    let mixes = mixup > 0.0 || cutmix > 0.0;
    if mixes && focal_gamma > 0.0 {
        findings.push(Finding::new(
            format!(
                "`train.focal_gamma` is {focal_gamma} with `train.mixup` {mixup} and `train.cutmix` {cutmix}, expected 0 for \
                 the focal loss or for both ways of mixing"
            ),
            "set `train.focal_gamma = 0.0`, or `train.mixup = 0.0` and `train.cutmix = 0.0`",
        ));
    }
    if mixes && batch_size < 2 {
        findings.push(Finding::new(
            format!(
                "`train.batch_size` is {batch_size} with `train.mixup` {mixup} and `train.cutmix` {cutmix}, expected at least 2 \
                 images to mix"
            ),
            "set `train.batch_size = 16`",
        ));
    }
    let crop_area = train.augmentation.crop_area;
    if !(crop_area > 0.0 && crop_area <= 1.0) {
        findings.push(Finding::new(
            format!("`train.augmentation.crop_area` is {crop_area}, expected above 0, up to 1"),
            "set `train.augmentation.crop_area = 1.0` for the center crop, or 0.35",
        ));
    }
}

/// Settings of the stages that read trained networks, hours later and without a check.
fn check_reading(settings: &Settings, split: &FoldSplit, findings: &mut Vec<Finding>) {
    let Attribution { cells, window } = settings.attribution;
    let (name, side) = settings.evaluated_side();
    if cells == 0 || cells > side {
        findings.push(Finding::new(
            format!("`attribution.cells` is {cells}, expected 1 to `{name}`, {side}"),
            format!("set `attribution.cells = {}`", 8.min(side)),
        ));
    }
    if window == 0 || window > cells {
        findings.push(Finding::new(
            format!("`attribution.window` is {window}, expected 1 to `attribution.cells`, {cells}"),
            "set `attribution.window = 1`",
        ));
    }
    let Cluster { k_min, k_max, umap } = &settings.cluster;
    if *k_min < 2 || k_max < k_min {
        findings.push(Finding::new(
            format!("`cluster.k_min` and `k_max` are {k_min} and {k_max}, expected at least 2 and at least `k_min`"),
            "set `cluster.k_min = 2` and a `cluster.k_max` above it",
        ));
    } else if *k_min >= split.len() {
        findings.push(Finding::new(
            format!(
                "`cluster.k_min` is {k_min}, expected less than the {} images",
                split.len()
            ),
            "set `cluster.k_min = 2`",
        ));
    }
    if umap.n_neighbors < 2 {
        findings.push(Finding::new(
            format!(
                "`cluster.umap.n_neighbors` is {}, expected at least 2",
                umap.n_neighbors
            ),
            "set `cluster.umap.n_neighbors = 15`",
        ));
    }
    if !(0.0..=1.0).contains(&umap.min_dist) {
        findings.push(Finding::new(
            format!(
                "`cluster.umap.min_dist` is {}, expected 0 to 1",
                umap.min_dist
            ),
            "set `cluster.umap.min_dist = 0.1`",
        ));
    }
    if !settings
        .linear_probe
        .c
        .iter()
        .any(|strength| *strength > 0.0)
    {
        findings.push(Finding::new(
            "`linear-probe.c` has no number above 0, expected at least one",
            "set `linear-probe.c = [0.01, 0.1, 1.0]`",
        ));
    }
    if !(16..=512).contains(&settings.report.thumbnail_px) {
        findings.push(Finding::new(
            format!(
                "`report.thumbnail_px` is {}, expected 16 to 512",
                settings.report.thumbnail_px
            ),
            "set `report.thumbnail_px = 112`",
        ));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::fold_split::tests::split_of;

    pub(crate) fn settings() -> Settings {
        let text = r#"{
            "device": "cpu", "resnet": 18, "classifier": true, "embedding_size": 32,
            "freeze_cnn": false, "freeze_fc": false, "freeze_batch_norm": false, "split": {"folds": 2}, "leakage": {"fold": 0},
            "train": {"epochs": 9, "batch_size": 16, "micro_batch_size": 0, "side_px": 48, "selection_k": 1, "head_epochs": 0,
                      "warmup_epochs": 0, "ema_decay": 0.0, "lr": 0.1, "focal_gamma": 0.0,
                      "mixup": 0.0, "cutmix": 0.0, "augmentation": {"crop_area": 1.0, "flip": true}},
            "evaluation_px": 0,
            "metric-learning": {"fold": 0, "held_out": [], "embedding_size": 3, "epochs": 8, "batch_size": 16},
            "attribution": {"cells": 8, "window": 2},
            "forest": {"n_trees": 300, "max_depth": 0, "min_samples_leaf": 2, "min_samples_split": 2,
                     "max_features": 0, "criterion": "gini", "bootstrap": true},
            "forest-search": {"trials": 12, "parallel": 4, "space": {"n_trees": {"int": [10, 300]}}},
            "linear-probe": {"c": [0.1]},
            "cluster": {"k_min": 2, "k_max": 11, "umap": {"n_neighbors": 15, "min_dist": 0.1}},
            "embedding-evolution": {"epochs": [0, 1]}, "report": {"thumbnail_px": 112}
        }"#;
        serde_json::from_str(text).unwrap()
    }

    fn two_classes() -> FoldSplit {
        split_of(&[
            ("cat", "0", 4),
            ("cat", "1", 4),
            ("dog", "0", 4),
            ("dog", "1", 4),
        ])
    }

    fn check(change: impl Fn(&mut Settings), split: &FoldSplit) -> Vec<String> {
        let mut settings = settings();
        change(&mut settings);
        let mut findings = Vec::new();
        check_settings(&settings, split, &mut findings);
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn two_classes_need_no_setting() {
        assert_eq!(check(|_| (), &two_classes()), [""; 0]);
    }

    #[test]
    fn top_2_of_two_classes_is_always_right() {
        let found = check(|settings| settings.train.selection_k = 2, &two_classes());
        assert_eq!(
            found,
            [
                "`train.selection_k` is 2, expected 1 to 1, as there are 2 classes: set `train.selection_k = 1`"
            ]
        );
    }

    #[test]
    fn a_held_out_class_has_a_nearest_name_and_leaves_two() {
        let hold =
            |settings: &mut Settings| settings.metric_learning.held_out = vec!["dogs".to_owned()];
        let found = check(hold, &two_classes());
        assert!(
            found[0].contains("`dogs`, which is no class: did you mean `dog`?"),
            "{found:?}"
        );
        let hold =
            |settings: &mut Settings| settings.metric_learning.held_out = vec!["dog".to_owned()];
        let found = check(hold, &two_classes());
        assert!(
            found[0].starts_with("`metric-learning.held_out` leaves 1 of 2 classes"),
            "{found:?}"
        );
    }

    #[test]
    fn one_class_is_refused() {
        let found = check(|_| (), &split_of(&[("cat", "0", 4), ("cat", "1", 4)]));
        assert!(found[0].starts_with("the collection has 1 class, `cat`, expected at least 2"));
    }

    #[test]
    fn all_faults_are_found_at_once() {
        let change = |settings: &mut Settings| {
            settings.leakage.fold = 2;
            settings.metric_learning.fold = 7;
            settings.attribution.window = 9;
            settings.cluster.k_max = 1;
            settings.cluster.umap.n_neighbors = 1;
            settings.linear_probe.c.clear();
            settings.report.thumbnail_px = 4;
            settings.train.side_px = 4;
        };
        let found = check(change, &two_classes());
        let expected = [
            "`leakage.fold`",
            "`metric-learning.fold`",
            "`train.side_px`",
            "`attribution.cells`",
            "`attribution.window`",
            "`cluster.k_min`",
            "`cluster.umap.n_neighbors`",
            "`linear-probe.c`",
            "`report.thumbnail_px`",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }

    #[test]
    fn mixing_needs_batches_and_cross_entropy() {
        let change = |settings: &mut Settings| {
            settings.train.cutmix = 1.0;
            settings.train.focal_gamma = 2.0;
            settings.train.batch_size = 1;
            settings.freeze_batch_norm = true;
            settings.train.augmentation.crop_area = 0.0;
        };
        let found = check(change, &two_classes());
        let expected = [
            "`train.focal_gamma` is 2 with `train.mixup` 0 and `train.cutmix` 1",
            "`train.batch_size` is 1 with `train.mixup` 0 and `train.cutmix` 1",
            "`train.augmentation.crop_area` is 0, expected above 0, up to 1",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
        let found = check(|settings| settings.train.mixup = -0.2, &two_classes());
        assert!(found[0].starts_with("`train.mixup` is -0.2, expected 0 or greater"));
    }

    #[test]
    fn single_images_are_normalized_by_frozen_statistics_alone() {
        let single = |is_frozen: bool| {
            let change = |settings: &mut Settings| {
                settings.train.batch_size = 1;
                settings.freeze_batch_norm = is_frozen;
            };
            check(change, &two_classes())
        };
        assert_eq!(
            single(false),
            [
                "`train.batch_size` is 1, expected at least 2: batch normalization needs the statistics of several images: set \
                 `train.batch_size = 16`, or `model.freeze_batch_norm = true` with pretrained weights"
            ]
        );
        assert_eq!(single(true), [""; 0]);
        let found = check(
            |settings| settings.train.micro_batch_size = 1,
            &two_classes(),
        );
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("`train.micro_batch_size` is 1"),
            "{found:?}"
        );
        let change = |settings: &mut Settings| {
            settings.metric_learning.batch_size = 1;
            settings.freeze_batch_norm = true;
        };
        let found = check(change, &two_classes());
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("`metric-learning.batch_size` is 1"),
            "{found:?}"
        );
    }

    #[test]
    fn cells_are_of_the_side_in_an_evaluation() {
        let with = |evaluation_px: usize| {
            let change = |settings: &mut Settings| {
                settings.attribution.cells = 56;
                settings.evaluation_px = evaluation_px;
            };
            check(change, &two_classes())
        };
        assert_eq!(with(56), [""; 0]);
        assert!(
            with(0)[0].starts_with("`attribution.cells` is 56, expected 1 to `train.side_px`, 48")
        );
        assert!(
            with(52)[0]
                .starts_with("`attribution.cells` is 56, expected 1 to `evaluation.side_px`, 52")
        );
    }
}
