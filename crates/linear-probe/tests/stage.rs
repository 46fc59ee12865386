//! The stage as the runner starts it, on features that separate the classes.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use table_features::Feature;
use table_folds::Fold;
use table_io::{Reader, Writer};
use table_linear_probes::LinearProbe;
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
            "out": { "linear_probes": self.path(run) },
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
    let bytes = |run| fs_err::read(study.path(run)).unwrap();
    assert!(bytes("one") == bytes("four"), "threads make a difference");

    let rows: Vec<LinearProbe> = Reader::new(&study.path("one")).read().unwrap();
    // Two backbones, three classifiers, three folds, three subsets, two metrics.
    assert_eq!(rows.len(), 2 * 3 * 3 * 3 * 2);
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
    // Both `C` classify the clear features without errors: the lower one is selected.
    assert_eq!(chosen("clear"), [None, Some(0.1)]);
    assert_eq!(chosen("blurred").len(), 2);
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
