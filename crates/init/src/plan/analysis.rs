//! Samples and searches of the stages after the training.

use serde_json::json;

use super::training::Training;
use super::{MANY, PlanBuilder};
use crate::cost::{Sizes, Work};

/// From so many images on, forests and restarts are fewer.
const LARGE: usize = 5000;

impl PlanBuilder {
    /// Samples and searches of the stages after the training.
    pub(super) fn analysis(&mut self, sizes: Sizes, training: &Training) -> Work {
        let (n, k) = (sizes.all, sizes.classes);
        let (attributed, windows) = self.attribution(k, training.side_px);
        let trees = self.forests(sizes);
        if n > LARGE {
            let reason = format!("{n} images: each replicate draws as many");
            self.set("score.bootstrap", json!(300), reason);
            self.set("calibrate.bootstrap", json!(300), "as `score.bootstrap`");
        }
        let clusterings = self.clusters(n, k);
        let umap_epochs = self.umap(n);
        self.set(
            "embedding-evolution.epochs",
            json!(shown_epochs(training.epochs)),
            "first epochs, a middle one and the last",
        );
        self.set(
            "report.examples_per_class",
            json!(if k > 30 { 1 } else { 3 }),
            format!("{k} classes"),
        );
        Work {
            side_px: training.side_px,
            depth: training.depth,
            epochs: training.epochs,
            attributed,
            windows,
            trees,
            clusterings,
            umap_epochs,
        }
    }

    /// Attribution: the number of images, and that of the occlusion windows of each.
    fn attribution(&mut self, k: usize, side_px: u32) -> (usize, usize) {
        let per_class = (30 / k.max(1)).clamp(1, 3);
        self.set(
            "attribution.per_class",
            json!(per_class),
            format!("{k} classes: about sixty images in all"),
        );
        let cells = if side_px <= 64 { 8 } else { 14 };
        self.set(
            "attribution.cells",
            json!(cells),
            format!("cells of {} pixels", side_px / cells),
        );
        let windows = (cells - 1) * (cells - 1);
        (2 * per_class * k, windows as usize)
    }

    /// Forests and their search: the number of all trees.
    fn forests(&mut self, sizes: Sizes) -> usize {
        let n = sizes.all;
        let (trees, trials) = if n > LARGE { (100, 8) } else { (300, 12) };
        let size = format!("{n} images");
        self.set("forest.n_trees", json!(trees), size.clone());
        self.set("forest-search.trials", json!(trials), size);
        self.set(
            "forest-search.space.n_trees",
            json!({ "int": [10, trees] }),
            "up to `forest.n_trees`",
        );
        trees * (2 + sizes.folds) + trials * trees / 3
    }

    /// Clusters: the number of all clusterings, restarts included.
    fn clusters(&mut self, n: usize, k: usize) -> usize {
        let (k_min, k_max) = if k <= 8 {
            (2, 11)
        } else {
            (k.saturating_sub(5).max(2), k + 5)
        };
        let reason = format!("around the number of classes, {k}");
        self.set("cluster.k_min", json!(k_min), reason.clone());
        self.set("cluster.k_max", json!(k_max), reason);
        let n_init = if n > LARGE || k > 30 { 10 } else { 30 };
        self.set(
            "cluster.n_init",
            json!(n_init),
            format!("{n} images in up to {k_max} clusters"),
        );
        (k_max - k_min + 1) * n_init
    }

    /// UMAP: the number of epochs.
    fn umap(&mut self, n: usize) -> usize {
        let epochs = if n > MANY { 200 } else { 500 };
        self.set(
            "cluster.umap.epochs",
            json!(epochs),
            format!("{n} images: UMAP's own rule"),
        );
        self.set(
            "cluster.umap.n_neighbors",
            json!(15.min(n / 3).max(2)),
            format!("{n} images"),
        );
        epochs
    }
}

/// Epochs whose embeddings are shown: 0, 1, a middle one, the last.
fn shown_epochs(epochs: usize) -> Vec<usize> {
    let mut shown = vec![0, 1, epochs / 2, epochs - 1];
    shown.retain(|&epoch| epoch < epochs);
    shown.sort_unstable();
    shown.dedup();
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_epochs_are_within_the_training() {
        assert_eq!(shown_epochs(1), [0]);
        assert_eq!(shown_epochs(2), [0, 1]);
        assert_eq!(shown_epochs(12), [0, 1, 6, 11]);
    }
}
