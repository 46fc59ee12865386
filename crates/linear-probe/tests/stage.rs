//! The stage as the runner starts it, on features that separate the classes.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use table_features::Feature;
use table_folds::Fold;
use table_io::{Reader, Writer};
use table_linear_probes::LinearProbe;
use table_out_of_fold::OutOfFold;
use tables::Assignment;
use tables::Subset;
use tables::Table;
use tempfile::TempDir;

const LABELS: [&str; 3] = ["blue", "green", "red"];
/// The last one is the test set.
const ASSIGNMENTS: [Assignment; 4] = [
    Assignment::Fold(0),
    Assignment::Fold(1),
    Assignment::Fold(2),
    Assignment::Test,
];

fn write<T: Table>(path: &Path, rows: Vec<T>) {
    let mut writer = Writer::create(path);
    writer.append(rows).unwrap();
    writer.finish().unwrap();
}

/// A folder with the inputs: 48 images, whose classes `clear` separates and `blurred` does not.
struct Study(TempDir);

impl Study {
    fn new() -> Self {
        let study = Self(TempDir::new().unwrap());
        let image = |number: usize| {
            (
                format!("{number:02}.png"),
                number % 3,
                ASSIGNMENTS[number / 3 % 4],
            )
        };
        let fold = |number| {
            let (path, code, assignment) = image(number);
            Fold {
                path,
                label: LABELS[code].to_owned(),
                author: None,
                fold: assignment,
            }
        };
        write(&study.path("folds"), (0..48).map(fold).collect());
        for (backbone, signal) in [("clear", 30.0), ("blurred", 0.0)] {
            let feature = |number: usize| {
                let (path, code, _) = image(number);
                let noise =
                    |i: usize| ((number * 7919 + i * 104_729 + number * i * 31) % 97) as f32 / 97.0;
                let value = |i| noise(i) + if i == code { signal } else { 0.0 };
                Feature {
                    backbone: backbone.to_owned(),
                    pretrained: true,
                    path,
                    features: (0..5).map(value).collect(),
                }
            };
            write(&study.path(backbone), (0..48).map(feature).collect());
        }
        study
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn out_of_fold(&self, run: &str) -> PathBuf {
        self.path(&format!("{run} out of fold"))
    }

    fn run(&self, run: &str, features: &[&str], values: &Value, threads: usize) -> Output {
        let shape = json!({
            "n_trees": 10, "max_depth": 0, "min_samples_leaf": 1, "min_samples_split": 2, "max_features": 0,
            "criterion": "gini", "bootstrap": true,
        });
        let features: Vec<PathBuf> = features.iter().map(|name| self.path(name)).collect();
        let job = json!({
            "stage": "linear-probe",
            "params": { "seed": 7, "c": values, "sample": 1000, "forest": shape },
            "in": { "features": features, "folds": self.path("folds") },
            "out": { "linear_probes": self.path(run), "out_of_fold": self.out_of_fold(run) },
            "scratch": self.path("scratch"),
        });
        let file = self.path("job.json");
        fs_err::write(&file, job.to_string()).unwrap();
        Command::new(env!("CARGO_BIN_EXE_linear-probe"))
            .arg(&file)
            .env("RAYON_NUM_THREADS", threads.to_string())
            .output()
            .unwrap()
    }

    fn error(&self, features: &[&str], values: &Value) -> String {
        let Output { status, stderr, .. } = self.run("none", features, values, 1);
        assert!(!status.success());
        String::from_utf8(stderr).unwrap()
    }
}

#[test]
fn features_that_separate_the_classes_have_high_scores() {
    let study = Study::new();
    let values = json!([10.0, 0.1]);
    for (run, threads) in [("one", 1), ("four", 4)] {
        let output = study.run(run, &["clear", "blurred"], &values, threads);
        assert!(output.status.success(), "{output:?}");
    }
    let bytes = |path: PathBuf| fs_err::read(path).unwrap();
    for path in [Study::path, Study::out_of_fold] {
        let [one, four] = ["one", "four"].map(|run| bytes(path(&study, run)));
        assert!(one == four, "threads make a difference");
    }

    let rows: Vec<LinearProbe> = Reader::new(&study.path("one")).read().unwrap();
    // Two backbones, three classifiers, three folds, three subsets, four metrics.
    assert_eq!(rows.len(), 2 * 3 * 3 * 3 * 4);
    assert!(rows.is_sorted_by(|a, b| a.order(b).is_le()));
    for row in rows
        .iter()
        .filter(|row| row.subset != Subset::Train && row.metric == "top1")
    {
        match row.backbone.as_str() {
            "clear" => assert!(row.value > 0.99, "{row:?}"),
            _ => assert!(row.value < 0.8, "{row:?}"),
        }
    }
    let chosen = |backbone: &str| -> Vec<Option<f64>> {
        let mut rows: Vec<Option<f64>> = rows
            .iter()
            .filter(|row| row.selected && row.backbone == backbone)
            .map(|row| row.c)
            .collect();
        rows.dedup();
        rows
    };
    // Both `C` classify the clear features without errors: the one with the lower log-loss is selected.
    assert_eq!(chosen("clear"), [None, Some(10.0)]);
    assert_eq!(chosen("blurred").len(), 2);
}

#[test]
fn each_image_outside_of_training_is_predicted_once_by_each_model() {
    let study = Study::new();
    let output = study.run("run", &["clear", "blurred"], &json!([10.0, 0.1]), 2);
    assert!(output.status.success(), "{output:?}");
    let rows: Vec<OutOfFold> = Reader::new(&study.out_of_fold("run")).read().unwrap();
    assert!(rows.is_sorted_by(|a, b| a.order(b).is_lt()));
    let folds: Vec<Fold> = Reader::new(&study.path("folds")).read().unwrap();
    // Two backbones, two models.
    assert_eq!(rows.len(), 2 * 2 * folds.len());
    for rows in rows.chunks(folds.len()) {
        for (row, image) in rows.iter().zip(&folds) {
            assert_eq!((&row.path, &row.label), (&image.path, &image.label));
            let (subset, fold) = match image.fold {
                Assignment::Fold(fold) => (Subset::Validation, Some(fold)),
                _ => (Subset::Test, None),
            };
            assert_eq!((row.subset, row.fold, row.epoch), (subset, fold, None));
            assert!((row.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            let highest = row.probabilities.iter().copied().fold(0.0, f32::max);
            let predicted = LABELS.iter().position(|label| *label == row.predicted);
            assert!(row.probabilities[predicted.unwrap()] >= highest);
            if row.features.as_deref() == Some("clear") {
                assert_eq!(row.predicted, row.label);
            }
        }
    }
    let models: BTreeSet<(&str, Option<&str>)> = { rows.iter() }
        .map(|row| (row.model.as_str(), row.features.as_deref()))
        .collect();
    assert_eq!(models.len(), 4);
    assert!(models.contains(&("linear probe", Some("clear"))));

    // The rows of a fold's forest are those of its scores.
    let scores: Vec<LinearProbe> = Reader::new(&study.path("run")).read().unwrap();
    for score in scores.iter().filter(|row| {
        row.classifier == "forest" && row.subset == Subset::Validation && row.metric == "accuracy"
    }) {
        let of_fold = rows.iter().filter(|row| {
            row.model == "forest"
                && row.features.as_ref() == Some(&score.backbone)
                && row.fold == Some(score.fold)
        });
        let (n, right) = of_fold.fold((0, 0), |(n, right), row| {
            (n + 1, right + u32::from(row.predicted == row.label))
        });
        assert!((score.value - f64::from(right) / f64::from(n)).abs() < 1e-12);
    }
}

#[test]
fn the_images_of_a_single_fold_select_their_own_c() {
    let study = Study::new();
    let mut folds: Vec<Fold> = Reader::new(&study.path("folds")).read().unwrap();
    for row in &mut folds {
        row.fold = match row.fold {
            Assignment::Fold(0) => Assignment::Fold(0),
            Assignment::Fold(_) => Assignment::Train,
            other => other,
        };
    }
    write(&study.path("folds"), folds);
    let output = study.run("run", &["clear"], &json!([10.0, 0.1]), 1);
    assert!(output.status.success(), "{output:?}");
    let rows: Vec<OutOfFold> = Reader::new(&study.out_of_fold("run")).read().unwrap();
    // Training images are predicted by no model that was not fitted to them.
    assert_eq!(rows.len(), 2 * (12 + 12));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("`C` = 10 in the folds"), "{log}");
}

#[test]
fn errors_have_what_was_found_and_expected() {
    let study = Study::new();
    let error = study.error(&["clear"], &json!([0.1, -1.0]));
    assert!(
        error.contains("parameter `c[1]`: `C` is -1, expected a finite number greater than 0"),
        "{error}"
    );
    let error = study.error(&["clear"], &json!([]));
    assert!(error.contains("`c` is empty"), "{error}");
    let error = study.error(&["clear", "clear"], &json!([0.1]));
    assert!(
        error.contains("two tables have features of `clear`, expected one"),
        "{error}"
    );
    let mut folds: Vec<Fold> = Reader::new(&study.path("folds")).read().unwrap();
    folds.pop();
    write(&study.path("folds"), folds);
    let error = study.error(&["clear"], &json!([0.1]));
    assert!(
        error.contains(
            "cannot use the features of `clear`: found 48 images, expected the 47 of the folds"
        ),
        "{error}"
    );
}
