//! Two small folders, and each kind of difference.

use std::collections::BTreeMap;

use table_io::{Reader, Writer};
use table_scores::Score;
use tempfile::TempDir;

use super::*;

const SWAP: &str = r#"
[files]
"old.parquet" = "new/scores.parquet"
[columns."*"]
low = "high"
high = "low"
[values."*".metric]
a = "b"
b = "a"
"#;

fn score(
    metric: &str,
    value: f64,
    [low, high]: [f64; 2],
) -> BTreeMap<&'static str, serde_json::Value> {
    BTreeMap::from([
        ("model", "network".into()),
        ("subset", "test".into()),
        ("metric", metric.into()),
        ("value", value.into()),
        ("low", low.into()),
        ("high", high.into()),
        ("images", 8.into()),
        ("authors", 3.into()),
        ("single_author_classes", 0.into()),
    ])
}

fn folder(path: &str, rows: &[BTreeMap<&'static str, serde_json::Value>]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(path);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    let rows = rows.iter().map(|row| serde_json::to_value(row).unwrap());
    let rows: Vec<Score> = rows
        .map(|row| serde_json::from_value(row).unwrap())
        .collect();
    let mut writer = Writer::create(&path);
    writer.append(rows).unwrap();
    writer.finish().unwrap();
    Reader::<Score>::new(&path).read().unwrap();
    folder
}

fn differences(old: &TempDir, new: &TempDir, mapping: &str) -> Vec<String> {
    compare(old.path(), new.path(), &mapping.parse().unwrap())
        .unwrap()
        .0
}

#[test]
fn names_and_values_are_exchanged_at_once() {
    let old = folder(
        "old.parquet",
        &[score("a", 0.1, [0.0, 1.0]), score("b", 0.2, [0.0, 1.0])],
    );
    let new = folder(
        "new/scores.parquet",
        &[score("a", 0.2, [1.0, 0.0]), score("b", 0.1, [1.0, 0.0])],
    );
    assert_eq!(differences(&old, &new, SWAP), [""; 0]);
    assert_eq!(
        differences(&old, &new, ""),
        [
            "old.parquet: missing table, `old.parquet` in the first folder",
            "new/scores.parquet: additional table"
        ]
    );
}

#[test]
fn cells_and_rows_that_differ_are_named() {
    let old = folder(
        "x.parquet",
        &[score("a", 0.1, [0.0, 1.0]), score("b", 0.2, [0.0, 1.0])],
    );
    let new = folder(
        "x.parquet",
        &[score("a", 0.1, [0.0, 1.0]), score("b", 0.25, [0.0, 1.0])],
    );
    let found = differences(&old, &new, "");
    let [found] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(
        found.starts_with(
            "x.parquet: column `value`: 0.25, 0.2 before, at authors 3, images 8, metric `b`"
        ),
        "{found}"
    );
    assert!(found.ends_with("(1 of 2 cells differ)"), "{found}");
    let fewer = folder("x.parquet", &[score("a", 0.1, [0.0, 1.0])]);
    assert_eq!(
        differences(&old, &fewer, ""),
        ["x.parquet: 1 rows, 2 before"]
    );
    assert_eq!(
        differences(&old, &fewer, "ignore = [\"*.parquet\"]"),
        [""; 0]
    );
}

#[test]
fn columns_are_mapped_by_the_longest_pattern() {
    let old = folder("a/x.parquet", &[score("a", 0.1, [0.0, 1.0])]);
    let mapping = "[columns.\"*\"]\nvalue = \"v\"\n[columns.\"a/*\"]\nvalue = \"w\"\n";
    assert_eq!(
        differences(&old, &old, mapping),
        [
            "a/x.parquet: missing column `w`",
            "a/x.parquet: additional column `value`"
        ]
    );
}

#[test]
fn two_old_names_do_not_become_one() {
    let error = "[files]\na = \"c\"\nb = \"c\"\n"
        .parse::<Mapping>()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`files` gives two names the same new name"
    );
}
