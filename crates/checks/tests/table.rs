//! The program that reads, checks and writes tables, as the runner starts it.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use table_protocol::{Answer, Question};

/// Runs the program; returns whether it succeeds, and its standard output.
fn run(question: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("question.json");
    fs_err::write(&file, question).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_table"));
    let output = command.arg(file).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), stdout)
}

/// The answer, if there is one.
fn query(question: &Question) -> Option<Answer> {
    let (is_answered, stdout) = run(&serde_json::to_string(question).unwrap());
    assert_eq!(is_answered, !stdout.is_empty(), "{stdout}");
    is_answered.then(|| serde_json::from_str(&stdout).unwrap())
}

fn faults(check: Value, path: Option<&Path>) -> Vec<String> {
    let path = path.map(Path::to_owned);
    match query(&Question::Check { check, path }) {
        Some(Answer::Faults(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_path_only_the_declaration_is_read() {
    assert_eq!(faults(json!({"rows": 1}), None), [""; 0]);
    let found = faults(json!({"row": 1}), None);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("`row`: unknown field `row`, expected one of"),
        "{found:?}"
    );
}

#[test]
fn a_file_that_is_no_table_has_a_fault() {
    let found = faults(json!({}), Some(Path::new("/no/where")));
    assert!(found[0].contains("/no/where"), "{found:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    fs_err::write(&path, "no table").unwrap();
    let found = faults(json!({}), Some(&path));
    assert!(
        found[0].starts_with("cannot read `") && found[0].contains("as a table"),
        "{found:?}"
    );
}

#[test]
fn written_tables_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    let columns = [
        ("name", vec![json!("a"), json!("b")]),
        ("f1", vec![json!(0.1), Value::Null]),
        ("n", vec![json!(1), json!(2)]),
    ];
    let written = query(&Question::Write {
        path: path.clone(),
        columns: columns
            .map(|(name, values)| (name.to_owned(), values))
            .into(),
    });
    assert_eq!(written, Some(Answer::Written));
    let paths = vec![path.clone(), "/no/where".into()];
    let Some(Answer::Numbers(numbers)) = query(&Question::Numbers { paths }) else {
        panic!("no numbers");
    };
    let values = [("a.f1", "0.1"), ("a.n", "1"), ("b.n", "2")];
    let values = values.map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(numbers[0], Ok(values.to_vec()));
    assert!(numbers[1].as_ref().unwrap_err().contains("/no/where"));
    assert_eq!(faults(json!({"rows": 2}), Some(&path)), [""; 0]);
    let found = faults(json!({"rows": 3}), Some(&path));
    assert_eq!(found, ["2 rows, expected at least 3"]);
}

#[test]
fn columns_that_are_no_table_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    let columns = vec![
        ("name".to_owned(), vec![json!("a"), json!("b")]),
        ("f1".to_owned(), vec![json!(0.1)]),
    ];
    let question = Question::Write {
        path: path.clone(),
        columns,
    };
    assert_eq!(query(&question), None);
    assert!(!path.exists());
}

#[test]
fn invalid_questions_are_refused() {
    for question in [json!({"what": 1}), json!({"check": {"path": "x"}})] {
        assert!(!run(&question.to_string()).0, "{question}");
    }
}
