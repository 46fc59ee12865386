//! The program, as the runner asks it.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::process::Command;

use serde_json::{Value, json};

/// Exit status and standard output.
fn ask(question: &Value) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("question.json");
    fs_err::write(&file, question.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_check"));
    let output = command.arg(file).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), said)
}

#[test]
fn without_a_path_only_the_words_are_read() {
    assert_eq!(
        ask(&json!({"check": {"rows": 1}})),
        (Some(0), String::new())
    );
    let (code, said) = ask(&json!({"check": {"row": 1}}));
    assert_eq!(code, Some(1));
    assert!(
        said.starts_with("`row`: unknown field `row`, expected one of"),
        "{said}"
    );
}

#[test]
fn what_is_no_table_is_not_as_it_should_be() {
    let (code, said) = ask(&json!({"check": {}, "path": "/no/where"}));
    assert_eq!(code, Some(1));
    assert!(said.contains("/no/where"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    fs_err::write(&path, "no table").unwrap();
    let (code, said) = ask(&json!({"check": {}, "path": path}));
    assert_eq!(code, Some(1));
    assert!(
        said.starts_with("cannot read `") && said.contains("as a table"),
        "{said}"
    );
    assert_eq!(ask(&json!({"path": path})).0, Some(2));
}
