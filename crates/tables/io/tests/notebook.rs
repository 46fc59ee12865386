//! The notebooks run from their first cells to their last on the tables in `artifacts/` and print the numbers of the
//! tables, and `recompute.py` finds the same numbers.
//!
//! They need Jupyter with the libraries that each is about, and the tables of a run (`cargo xtask repro`); without them a
//! test is skipped. `ATELIER_PYTHON` names the Python, by default `python3`.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use table_balance::Balance;
use table_calibrations::Calibration;
use table_class_reports::ClassReport;
use table_cross_validation::CrossValidation;
use table_forest_trials::ForestTrial;
use table_history::History;
use table_io::Reader;
use table_out_of_fold::OutOfFold;
use tables::Subset;
use tables::Table;

#[test]
fn the_notebook_with_pandas_prints_the_numbers_of_the_tables() {
    let mut rows = in_all();
    rows.extend(classes());
    rows.extend(epochs());
    rows.extend(calibrations());
    rows.extend(trials());
    check("study", "pandas, pyarrow, matplotlib", rows);
}

#[test]
fn the_notebook_with_polars_prints_the_numbers_of_the_tables() {
    let mut rows = in_all();
    rows.extend(classes_out_of_fold());
    check("study_polars", "polars", rows);
}

#[test]
fn the_notebook_with_duckdb_prints_the_numbers_of_the_tables() {
    let mut rows = in_all();
    rows.extend(classes_out_of_fold());
    check("study_duckdb", "duckdb", rows);
}

#[test]
fn the_tables_are_those_that_are_recomputed_in_python() {
    if !is_possible("numpy, pandas, pyarrow, scipy, sklearn") {
        return;
    }
    let output = Command::new(python())
        .arg(root().join("notebooks/recompute.py"))
        .env("ATELIER_ARTIFACTS", artifacts())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{errors}");
    for table in [
        "scores: metrics",
        "score: confusion",
        "score: class_reports",
        "cross-validation: confusion",
        "cross-validation: class_reports",
        "out_of_fold: probabilities",
        "cross_validation: values",
        "cross_validation: intervals",
        "fold_scores",
        "calibrations",
        "cluster_scores",
    ] {
        let is_of = |line: &str| line.starts_with(table);
        assert!(printed.lines().any(is_of), "no `{table}` in\n{printed}");
    }
}

#[test]
fn without_tables_the_message_says_what_to_do() {
    if !is_possible("numpy, pandas, pyarrow, scipy, sklearn") {
        return;
    }
    let output = Command::new(python())
        .arg(root().join("notebooks/recompute.py"))
        .env("ATELIER_ARTIFACTS", "nowhere")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr).trim_end(),
        "found no `score/scores.parquet` in `nowhere`: run `cargo xtask repro`, or set ATELIER_ARTIFACTS"
    );
}

fn python() -> String {
    std::env::var("ATELIER_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Whether there are a Python with these `libraries` and the tables of a run; without them the test is skipped.
fn is_possible(libraries: &str) -> bool {
    let import = format!("import {libraries}");
    let found = Command::new(python()).args(["-c", &import]).output();
    if skip::unless(found.is_ok_and(|output| output.status.success()), "jupyter") {
        return false;
    }
    !skip::unless(
        artifacts().join("score/scores.parquet").exists(),
        "artifacts",
    )
}

/// Runs the notebook `name`, which prints `expected` rows.
fn check(name: &str, libraries: &str, expected: Vec<Row>) {
    if !is_possible(&format!("nbconvert, ipykernel, {libraries}")) {
        return;
    }
    let sections = run(&python(), name);
    for (section, words, numbers) in expected {
        let text = sections.get(section);
        let text = text.unwrap_or_else(|| panic!("`{name}` has no section `{section}`"));
        assert!(
            text.lines().any(|line| holds(line, &words, &numbers)),
            "no row with {words:?} and {numbers:?} in section `{section}` of `{name}`:\n{text}"
        );
    }
}

fn root() -> &'static Path {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3);
    root.unwrap()
}

fn artifacts() -> PathBuf {
    root().join("artifacts")
}

/// Printed text of a notebook's cells, by the heading above them.
fn run(python: &str, name: &str) -> BTreeMap<String, String> {
    let convert = [
        "-m",
        "nbconvert",
        "--execute",
        "--stdout",
        "--to",
        "notebook",
    ];
    let output = Command::new(python)
        .args(convert)
        .arg(root().join(format!("notebooks/{name}.ipynb")))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let notebook: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut heading = String::new();
    let mut sections = BTreeMap::<String, String>::new();
    for cell in notebook["cells"].as_array().unwrap() {
        let source = text(&cell["source"]);
        if let Some(title) = source.strip_prefix("## ") {
            title.lines().next().unwrap().clone_into(&mut heading);
        }
        for output in cell["outputs"].as_array().into_iter().flatten() {
            let printed = text(&output["text"]) + &text(&output["data"]["text/plain"]);
            *sections.entry(heading.clone()).or_default() += &(printed + "\n");
        }
    }
    sections
}

/// A notebook's text, which is a string or a list of lines.
fn text(value: &Value) -> String {
    match value {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

/// Returns whether a row of a printed table has all of `words`, and `numbers` to three digits as its first numbers.
fn holds(line: &str, words: &[String], numbers: &[f64]) -> bool {
    let cells = || line.split(|c: char| c.is_whitespace() || "│┆".contains(c));
    let shown: Vec<f64> = cells().filter_map(|cell| cell.parse().ok()).collect();
    let is_shown = |word: &String| cells().any(|cell| cell == word);
    let is_near = |(a, b): (&f64, &f64)| (a - b).abs() < 6e-4;
    words.iter().all(is_shown)
        && shown.len() >= numbers.len()
        && shown.iter().zip(numbers).all(is_near)
}

type Row = (&'static str, Vec<String>, Vec<f64>);

/// Rows that each notebook must print: section, names and numbers, read from parquet without Python. None without the
/// tables of a run.
fn in_all() -> Vec<Row> {
    let mut rows = balance();
    rows.extend(cross_validation());
    rows.extend(confusion());
    rows
}

/// Rows of a table; none where it isn't there.
fn read<T: Table>(name: &str) -> Vec<T> {
    let path = artifacts().join(format!("{name}.parquet"));
    if !path.exists() {
        return Vec::new();
    }
    Reader::new(&path).read().unwrap()
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

fn balance() -> Vec<Row> {
    let mut classes = BTreeMap::<String, Vec<f64>>::new();
    // The notebooks' columns go by the folds' names.
    let mut rows = read::<Balance>("split/balance");
    rows.sort_by_key(|row| row.fold.to_string());
    for row in rows {
        classes
            .entry(row.label)
            .or_default()
            .push(row.images.into());
    }
    let rows = classes.into_iter();
    rows.map(|(label, images)| ("Images by class and fold", vec![label], images))
        .collect()
}

fn cross_validation() -> Vec<Row> {
    let rows = read::<CrossValidation>("cross-validation/cross_validation");
    let rows = rows.into_iter().filter(|row| {
        row.model == "network" && ["top1", "log_loss"].contains(&row.metric.as_str())
    });
    rows.map(|row| {
        let ends = row.low.into_iter().chain(row.high);
        let folds = row.fold_mean.into_iter().chain(row.fold_sd);
        (
            "Cross-validation",
            words(["network", row.subset.name(), &row.metric]),
            [row.value].into_iter().chain(ends).chain(folds).collect(),
        )
    })
    .collect()
}

fn classes() -> Vec<Row> {
    let rows = read::<ClassReport>("score/class_reports").into_iter();
    rows.filter(|row| row.model == "network" && row.subset == Subset::Validation)
        .map(|row| {
            let numbers = vec![row.precision, row.recall, row.f1, row.support.into()];
            ("Classification report", vec![row.label], numbers)
        })
        .collect()
}

/// Validation images by the network of their fold.
fn out_of_fold() -> Vec<OutOfFold> {
    let mut rows = read::<OutOfFold>("cross-validation/out_of_fold");
    rows.retain(|row| row.subset == Subset::Validation);
    rows
}

fn classes_out_of_fold() -> Vec<Row> {
    let rows = out_of_fold();
    let labels: BTreeSet<&String> = rows.iter().map(|row| &row.label).collect();
    let report = |label: &String| {
        let count =
            |is: &dyn Fn(&OutOfFold) -> bool| rows.iter().filter(|row| is(row)).count() as f64;
        let support = count(&|row| row.label == *label);
        let predicted = count(&|row| row.predicted == *label);
        let right = count(&|row| row.label == *label && row.predicted == *label);
        let precision = right / predicted.max(1.0);
        let f1 = 2.0 * right / (support + predicted);
        (
            "Classification report",
            vec![label.clone()],
            vec![precision, right / support, f1, support],
        )
    };
    labels.into_iter().map(report).collect()
}

fn confusion() -> Vec<Row> {
    let rows = out_of_fold();
    let predicted: BTreeSet<&String> = rows.iter().map(|row| &row.predicted).collect();
    let labels: BTreeSet<&String> = rows.iter().map(|row| &row.label).collect();
    // Wide tables may go on below: the first columns are enough. A class that is never predicted has no column.
    let columns: Vec<&String> = predicted.into_iter().take(2).collect();
    let row = |label: &String| {
        let count = |predicted: &&String| {
            let cell = rows
                .iter()
                .filter(|row| row.label == *label && row.predicted == **predicted);
            cell.count() as f64
        };
        (
            "Confusion matrix",
            vec![label.clone()],
            columns.iter().map(count).collect(),
        )
    };
    labels.into_iter().map(row).collect()
}

fn epochs() -> Vec<Row> {
    let fold = |fold: u32| read::<History>(&format!("train/{fold}/history"));
    let is_there = |fold: &u32| {
        artifacts()
            .join(format!("train/{fold}/history.parquet"))
            .exists()
    };
    let rows = (0..).take_while(is_there).flat_map(fold);
    rows.filter(|row| row.best)
        .map(|row| {
            let numbers = vec![
                row.fold.into(),
                row.epoch.into(),
                row.score,
                row.validation_loss,
            ];
            ("Best epochs", Vec::new(), numbers)
        })
        .collect()
}

fn calibrations() -> Vec<Row> {
    let rows = read::<Calibration>("calibrate/calibrations").into_iter();
    rows.map(|row| {
        let numbers = [row.ece].into_iter().chain(row.ece_by_chance).collect();
        (
            "Calibration",
            vec![row.model, row.method, row.subset.to_string()],
            numbers,
        )
    })
    .collect()
}

fn trials() -> Vec<Row> {
    let rows = read::<ForestTrial>("forest-search/forest_trials").into_iter();
    rows.filter(|row| row.best)
        .map(|row| {
            let numbers = vec![row.trial.into(), row.score, row.n_trees.into()];
            ("Hyperparameter search", vec![row.criterion], numbers)
        })
        .collect()
}
