//! Samples and searches of the stages after the training.

use serde_json::json;

use super::training::Training;
use super::{Chosen, MANY};
use crate::cost::{Sizes, Work};

impl Chosen {
    /// Samples and searches of the stages after the training.
    pub(super) fn rest(&mut self, sizes: Sizes, training: &Training) -> Work {
        let (n, k) = (sizes.all, sizes.classes);
        let is_large = n > 5000;
        let per_class = (30 / k.max(1)).clamp(1, 3);
        self.set(
            "attribution.per_class",
            json!(per_class),
            format!("{k} classes: about sixty images in all"),
        );
        let cells = if training.side_px <= 64 { 8 } else { 14 };
        self.set(
            "attribution.cells",
            json!(cells),
            format!("cells of {} pixels", training.side_px / cells),
        );
        let (trees, trials) = if is_large { (100, 8) } else { (300, 12) };
        let size = format!("{n} images");
        self.set("forest.n_trees", json!(trees), size.clone());
        self.set("forest-search.trials", json!(trials), size.clone());
        self.set(
            "forest-search.space.n_trees",
            json!({ "int": [10, trees] }),
            "up to `forest.n_trees`",
        );
        if is_large {
            self.set(
                "score.bootstrap",
                json!(300),
                format!("{size}: each replicate draws as many"),
            );
            self.set("calibrate.bootstrap", json!(300), "as `score.bootstrap`");
        }
        let (k_min, k_max) = if k <= 8 {
            (2, 11)
        } else {
            (k.saturating_sub(5).max(2), k + 5)
        };
        self.set(
            "cluster.k_min",
            json!(k_min),
            format!("around the number of classes, {k}"),
        );
        self.set(
            "cluster.k_max",
            json!(k_max),
            format!("around the number of classes, {k}"),
        );
        let n_init = if is_large || k > 30 { 10 } else { 30 };
        self.set(
            "cluster.n_init",
            json!(n_init),
            format!("{size} in up to {k_max} clusters"),
        );
        let umap_epochs = if n > MANY { 200 } else { 500 };
        self.set(
            "cluster.umap.epochs",
            json!(umap_epochs),
            format!("{size}: UMAP's own rule"),
        );
        self.set(
            "cluster.umap.n_neighbors",
            json!(15.min(n / 3).max(2)),
            size,
        );
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
        let windows = (cells - 1) * (cells - 1);
        Work {
            side_px: training.side_px,
            depth: training.depth,
            epochs: training.epochs,
            explained: 2 * per_class * k,
            windows: windows as usize,
            trees: trees * (2 + sizes.folds) + trials * trees / 3,
            clusterings: (k_max - k_min + 1) * n_init,
            umap_epochs,
        }
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
