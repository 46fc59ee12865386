//! Stage `preflight` as the runner starts it.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use table_annotations::Annotation;
use table_folds::Fold;
use table_io::Writer;
use tables::Assignment;
use tables::Table;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    /// Images of the classes, dealt into two folds by each of the three splits.
    fn of(labels: &[&str]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        let (mut annotations, mut folds) = (Vec::new(), Vec::new());
        for (class_index, label) in (0..).zip(labels) {
            for number in 0..8 {
                let path = format!("{label}/{number}.png");
                annotations.push(annotation(&path, label, class_index));
                folds.push(Fold {
                    path,
                    label: (*label).to_owned(),
                    author: None,
                    fold: Assignment::Fold((number % 2) as u32),
                });
            }
        }
        folder.write("annotations", annotations);
        for name in ["folds", "by_class", "at_random"] {
            folder.write(name, folds.clone());
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write<T: Table>(&self, name: &str, rows: Vec<T>) {
        let mut writer = Writer::create(&self.path(name));
        writer.append(rows).unwrap();
        writer.finish().unwrap();
    }

    /// Runs the stage with the changed parameters; returns whether it succeeds, and its log.
    fn run(&self, change: impl Fn(&mut Value), weights: Option<&str>) -> (bool, String) {
        let mut params = params();
        change(&mut params);
        let inputs = json!({
            "annotations": self.path("annotations"), "folds": self.path("folds"), "by_class": self.path("by_class"),
            "at_random": self.path("at_random"), "weights": weights.map(|name| self.path(name)),
        });
        let job = json!({
            "stage": "test", "params": params, "in": inputs, "out": { "summary": self.path("summary") },
            "scratch": self.path("scratch"),
        });
        fs_err::write(self.path("job"), job.to_string()).unwrap();
        let program = env!("CARGO_BIN_EXE_preflight");
        let output = Command::new(program)
            .arg(self.path("job"))
            .output()
            .unwrap();
        let log = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&log).into_owned(),
        )
    }
}

fn annotation(path: &str, label: &str, class_index: u32) -> Annotation {
    Annotation {
        path: path.to_owned(),
        label: label.to_owned(),
        author: None,
        title: String::new(),
        class_index,
        split: None,
        width: 8,
        height: 8,
        orientation: 1,
        format: "png".to_owned(),
        bytes: 1,
        content_hash: String::new(),
    }
}

/// Parameters as in `params.toml`, with settings that the stage doesn't read.
fn params() -> Value {
    json!({
        "device": "cpu", "resnet": 18, "classifier": true, "embedding_size": 32, "freeze_cnn": false, "freeze_fc": false,
        "freeze_batch_norm": false,
        "split": { "folds": 2, "steps": 60_000 }, "leakage": { "fold": 0, "shuffles": 100 },
        "train": {
            "epochs": 1, "batch_size": 16, "micro_batch_size": 0, "side_px": 32, "selection_k": 1, "lr": 4e-4,
            "head_epochs": 0, "warmup_epochs": 0, "ema_decay": 0.0,
            "focal_gamma": 0.0, "mixup": 0.0, "cutmix": 0.0, "augmentation": { "crop_area": 1.0, "trivial": false },
        },
        "evaluation_px": 0,
        "metric-learning": { "fold": 0, "held_out": [], "embedding_size": 3, "epochs": 1, "batch_size": 16 },
        "attribution": { "per_class": 2, "cells": 8, "window": 2 },
        "forest": {
            "n_trees": 300, "max_depth": 0, "min_samples_leaf": 2, "min_samples_split": 2, "max_features": 0,
            "criterion": "gini", "bootstrap": true,
        },
        "forest-search": {
            "trials": 12, "method": "tpe", "parallel": 4, "space": { "n_trees": { "int": [10, 300], "log": true } },
        },
        "linear-probe": { "c": [0.1] },
        "cluster": {
            "k_min": 2, "k_max": 11, "n_init": 30, "umap": { "n_neighbors": 15, "min_dist": 0.1, "epochs": 500 },
        },
        "embedding-evolution": { "epochs": [0, 1, 4] }, "report": { "examples_per_class": 3, "thumbnail_px": 112 },
    })
}

#[test]
fn settings_that_fit_are_summarized() {
    let folder = Folder::of(&["cat", "dog"]);
    let (ok, log) = folder.run(|_| (), None);
    assert!(ok, "{log}");
    let summary = fs_err::read_to_string(folder.path("summary")).unwrap();
    assert!(
        summary
            .starts_with("16 images of 2 classes\nfold 0: 8 training images, 8 for validation\n")
    );
    assert!(summary.contains("of memory for a training step"));
}

#[test]
fn all_faults_are_listed_at_once_with_their_remedies() {
    let folder = Folder::of(&["cat", "dog", "owl"]);
    fs_err::write(folder.path("weights"), b"<html>not found</html>").unwrap();
    let change = |params: &mut Value| {
        params["train"]["selection_k"] = json!(3);
        params["metric-learning"]["held_out"] = json!(["naturalism", "cats"]);
        params["leakage"]["fold"] = json!(4);
        params["forest-search"]["space"] = json!({ "trees": { "int": [1, 2] } });
        params["device"] = json!("gpu");
    };
    let (ok, log) = folder.run(change, Some("weights"));
    assert!(!ok);
    let expected = [
        "`train.selection_k` is 3, expected 1 to 2",
        "`naturalism`, which is no class",
        "`cats`, which is no class: did you mean `cat`?",
        "`leakage.fold` is 4",
        "`forest-search.space.trees` is no parameter of `[forest]`: did you mean `n_trees`?",
        "the device `gpu` doesn't open",
        "the pretrained weights cannot be used",
    ];
    for expected in expected {
        assert!(log.contains(expected), "{expected}:\n{log}");
    }
    assert!(!folder.path("summary").exists());
}

#[test]
fn a_split_that_leaves_a_fold_without_a_class_is_found_before_training() {
    let folder = Folder::of(&["cat", "dog"]);
    let row = |number: usize, label: &str, assignment: &str| Fold {
        path: format!("{label}/{number}.png"),
        label: label.to_owned(),
        author: None,
        fold: assignment.parse().unwrap(),
    };
    let rows = (0..8).flat_map(|n| [row(n, "cat", ["0", "1"][n % 2]), row(n, "dog", "0")]);
    folder.write("by_class", rows.collect());
    let (ok, log) = folder.run(|_| (), None);
    assert!(!ok);
    assert!(log.contains(
        "fold 0 of the split by class has no training image of 1 of the 2 classes (`dog`)"
    ));
}
