//! The program that reads and writes tables, as the runner asks it.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::process::Command;

use serde_json::{Value, json};

/// Whether it succeeds, and its standard output.
fn ask(question: &Value) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("question.json");
    fs_err::write(&file, question.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_table"));
    let output = command.arg(file).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), said)
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    let columns = json!([["name", ["a", "b"]], ["f1", [0.1, null]], ["n", [1, 2]]]);
    let (is_written, _) = ask(&json!({"write": path, "columns": columns}));
    assert!(is_written);
    let (is_read, said) = ask(&json!({"read": [path, "/no/where"]}));
    assert!(is_read);
    let answers: Value = serde_json::from_str(&said).unwrap();
    let values = json!([["a.f1", "0.1"], ["a.n", "1"], ["b.n", "2"]]);
    assert_eq!(answers[0], json!({ "values": values }));
    assert!(answers[1]["fault"].as_str().unwrap().contains("/no/where"));
}

#[test]
fn what_cannot_be_a_table_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    let columns = json!([["name", ["a", "b"]], ["f1", [0.1]]]);
    assert!(!ask(&json!({"write": path, "columns": columns})).0);
    assert!(!ask(&json!({"what": 1})).0);
    assert!(!path.exists());
}
