//! The notebooks run from their first cells to their last on the tables in `artifacts/` and print the numbers of the
//! tables.
//!
//! They need Jupyter with the library that each is about, and the tables of a run (`cargo xtask repro`); without them a
//! test is skipped. `ATELIER_PYTHON` names the Python, by default `python3`.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use table_balance::Balance;
use table_calibrations::Calibration;
use table_class_reports::ClassReport;
use table_confusion::Confusion;
use table_forest_trials::ForestTrial;
use table_history::History;
use table_io::Reader;
use table_scores::Score;
use tables::Subset;
use tables::Table;

#[test]
fn the_notebook_with_pandas_prints_the_numbers_of_the_tables() {
    check("study", "pandas, pyarrow");
}

#[test]
fn the_notebook_with_polars_prints_the_numbers_of_the_tables() {
    check("study_polars", "polars");
}

#[test]
fn the_notebook_with_duckdb_prints_the_numbers_of_the_tables() {
    check("study_duckdb", "duckdb");
}

fn check(name: &str, libraries: &str) {
    let python = std::env::var("ATELIER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let import = format!("import nbconvert, ipykernel, {libraries}");
    let found = Command::new(&python).args(["-c", &import]).output();
    if skip::unless(found.is_ok_and(|output| output.status.success()), "jupyter") {
        return;
    }
    let has_tables = artifacts().join("score/scores.parquet").exists();
    if skip::unless(has_tables, "artifacts") {
        return;
    }
    let sections = run(&python, name);
    for (section, words, numbers) in expected() {
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

/// Rows that the notebooks must print: section, names and numbers, read from parquet without Python.
fn expected() -> Vec<Row> {
    let mut rows = balance();
    rows.extend(scores());
    rows.extend(classes());
    rows.extend(confusion());
    rows.extend(epochs());
    rows.extend(calibrations());
    rows.extend(trials());
    rows
}

fn read<T: Table>(name: &str) -> Vec<T> {
    let path = artifacts().join(format!("{name}.parquet"));
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

fn scores() -> Vec<Row> {
    let mut rows = Vec::new();
    let scores = read::<Score>("score/scores");
    let top2 = |row: &&Score| row.metric == "top2";
    for row in scores.iter().filter(top2) {
        if row.model == "network" {
            let numbers = [row.value, row.low, row.high]
                .into_iter()
                .flatten()
                .collect();
            rows.push((
                "Scores with intervals",
                words([row.subset.name(), "top2"]),
                numbers,
            ));
        }
        if row.model == "forest" {
            // Models stand by name: the forest first.
            let numbers = row.value.into_iter().collect();
            rows.push((
                "Network and forest",
                words([row.subset.name(), "top2"]),
                numbers,
            ));
        }
    }
    rows
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

fn confusion() -> Vec<Row> {
    let mut rows = BTreeMap::<String, Vec<f64>>::new();
    for row in read::<Confusion>("score/confusion") {
        if row.model == "network" && row.subset == Subset::Validation {
            rows.entry(row.actual).or_default().push(row.count.into());
        }
    }
    // Wide tables may go on below: the first columns are enough.
    let rows = rows.into_iter();
    rows.map(|(label, counts)| ("Confusion matrix", vec![label], counts[..2].to_vec()))
        .collect()
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
    if !artifacts()
        .join("forest-search/forest_trials.parquet")
        .exists()
    {
        return Vec::new();
    }
    let rows = read::<ForestTrial>("forest-search/forest_trials").into_iter();
    rows.filter(|row| row.best)
        .map(|row| {
            let numbers = vec![row.trial.into(), row.score, row.n_trees.into()];
            ("Hyperparameter search", vec![row.criterion], numbers)
        })
        .collect()
}
