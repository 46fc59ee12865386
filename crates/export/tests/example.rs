//! The exported example predicts the demo's images as the study does.
//!
//! It needs Python with numpy, onnxruntime and Pillow, the results of a run of the demo (`cargo xtask repro`) and its
//! images; without them a test is skipped. `ATELIER_PYTHON` names the Python, by default `python3`.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use export::{EXAMPLE, ModelConfig};
use serde::Deserialize;
use table_io::Reader;
use table_predictions::Prediction;

/// Largest difference of a logit from that of the study. Pillow rounds some bytes by 1 otherwise than `images` when it
/// decodes and resizes; over the demo's images that moves logits of up to 15 by 0.03.
const TOLERANCE: f32 = 0.1;

/// Number of images that are predicted.
const IMAGES: usize = 80;

#[derive(Deserialize)]
struct Row {
    path: String,
    logits: Vec<f32>,
    probabilities: Vec<f32>,
}

#[test]
fn logits_of_the_example_are_those_of_the_study() {
    let python = std::env::var("ATELIER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let import = ["-c", "import numpy, onnxruntime, PIL"];
    let found = Command::new(&python).args(import).output();
    if skip::unless(
        found.is_ok_and(|output| output.status.success()),
        "onnxruntime",
    ) {
        return;
    }
    let predictions = artifacts().join("predict/predictions.parquet");
    let example = artifacts().join("export/example.py");
    if skip::unless(predictions.exists() && example.exists(), "artifacts") {
        return;
    }
    let config = fs_err::read_to_string(artifacts().join("export/config.json")).unwrap();
    let config: ModelConfig = serde_json::from_str(&config).unwrap();
    // The exported network sees one view, predictions are means over all.
    let has_one_view = !config.test_time_flip && config.test_time_crops == 1;
    if skip::unless(has_one_view, "artifacts") {
        return;
    }
    let expected: Vec<Prediction> = Reader::new(&predictions).read().unwrap();
    let step = (expected.len() / IMAGES).max(1);
    let expected: BTreeMap<PathBuf, Prediction> = { expected.into_iter().step_by(step) }
        .map(|row| (root().join("data/painted").join(&row.path), row))
        .collect();
    if skip::unless(expected.keys().all(|path| path.exists()), "artifacts") {
        return;
    }
    let output = Command::new(&python)
        .arg(example)
        .args(expected.keys())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Row> = { text.lines() }
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), expected.len());
    for row in rows {
        check(&row, &expected[Path::new(&row.path)], config.temperature);
    }
}

fn check(row: &Row, expected: &Prediction, temperature: f64) {
    assert_eq!(row.logits.len(), expected.logits.len());
    for (logit, other) in row.logits.iter().zip(&expected.logits) {
        let difference = (logit - other).abs();
        assert!(
            difference < TOLERANCE,
            "{}: {logit} and {other}",
            expected.path
        );
    }
    let powers = row
        .logits
        .iter()
        .map(|&logit| (f64::from(logit) / temperature).exp());
    let sum: f64 = powers.clone().sum();
    for (probability, power) in row.probabilities.iter().zip(powers) {
        let difference = (f64::from(*probability) - power / sum).abs();
        assert!(difference < 1e-4, "{}: {probability}", expected.path);
    }
}

#[test]
fn the_readme_shows_the_example() {
    let readme = fs_err::read_to_string(root().join("README.md")).unwrap();
    let shown = format!("```python\n{EXAMPLE}```\n");
    assert!(
        readme.contains(&shown),
        "README.md has another example, expected `crates/export/src/example.py`"
    );
    let n_lines = EXAMPLE.lines().filter(|line| !line.is_empty()).count();
    assert!(n_lines <= 15, "the example has {n_lines} lines");
}

fn root() -> &'static Path {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.unwrap()
}

fn artifacts() -> PathBuf {
    root().join("artifacts")
}
