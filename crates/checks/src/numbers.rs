//! The numbers of a table, by name.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, ensure};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::cell::Cell;

/// Maximum number of rows of a table of metrics.
const MOST_ROWS: i64 = 1000;

/// Numbers of the small table at `path`, by name, in the order of its rows.
///
/// A row is named by its keys: the columns of text and, if there are none or they don't distinguish the rows, those of flags
/// and, as far as these don't either, those of integers from the left, else the row's number. Each other column of numbers gives a number, named after the row and
/// the column; a column `value` after the row alone. Missing and non-finite values are left out.
///
/// # Errors
/// The file is no table, or no small one.
pub fn numbers(path: &Path) -> anyhow::Result<Vec<(String, f64)>> {
    let file = fs_err::File::open(path)?.into_parts().0;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).context("it cannot be read as a table")?;
    let n_rows = builder.metadata().file_metadata().num_rows();
    ensure!(
        n_rows <= MOST_ROWS,
        "it has {n_rows} rows, and a table of metrics at most {MOST_ROWS}"
    );
    let schema = builder.schema().clone();
    let batches = builder.build()?.collect::<Result<Vec<_>, _>>()?;
    let rows = rows(&batches);
    let (keys, names) = names(&schema, &rows);
    let mut numbers = Vec::new();
    for (row, name) in rows.iter().zip(&names) {
        for (at, field) in schema.fields().iter().enumerate() {
            if keys.contains(&at) {
                continue;
            }
            let value = number(&row[at]).filter(|value| value.is_finite());
            let parts = match field.name().as_str() {
                "value" => vec![name.as_str()],
                column => vec![name.as_str(), column],
            };
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            numbers.extend(value.map(|value| (parts.join("."), value)));
        }
    }
    Ok(numbers)
}

/// All rows, with the cells of each.
fn rows(batches: &[RecordBatch]) -> Vec<Vec<Cell>> {
    let rows = batches.iter().flat_map(|batch| {
        (0..batch.num_rows()).map(|row| {
            let columns = batch.columns().iter();
            columns.map(|column| Cell::of(column, row)).collect()
        })
    });
    rows.collect()
}

/// Positions of the key columns, and names of the rows.
fn names(schema: &Schema, rows: &[Vec<Cell>]) -> (BTreeSet<usize>, Vec<String>) {
    let of = |fits: fn(&DataType) -> bool| {
        let fields = schema.fields().iter().enumerate();
        fields
            .filter(move |(_, field)| fits(field.data_type()))
            .map(|(at, _)| at)
    };
    let mut keys: BTreeSet<usize> = of(is_text).collect();
    let texts: BTreeSet<String> = rows.iter().map(|row| name(row, &keys)).collect();
    if keys.is_empty() || texts.len() < rows.len() {
        keys.extend(of(|kind| *kind == DataType::Boolean));
    }
    let mut integers = of(DataType::is_integer);
    loop {
        let names: Vec<String> = rows.iter().map(|row| name(row, &keys)).collect();
        let distinct: BTreeSet<&String> = names.iter().collect();
        if distinct.len() == names.len() {
            let names = without_nulls(rows, &keys).unwrap_or(names);
            return (keys, names);
        }
        match integers.next() {
            Some(at) => drop(keys.insert(at)),
            None => {
                let names = names.iter().enumerate();
                let names = names.map(|(at, name)| match name.as_str() {
                    "" => at.to_string(),
                    name => format!("{name}.{at}"),
                });
                return (keys, names.collect());
            }
        }
    }
}

/// Names of the rows without their null keys, if these distinguish the rows.
fn without_nulls(rows: &[Vec<Cell>], keys: &BTreeSet<usize>) -> Option<Vec<String>> {
    let name = |row: &Vec<Cell>| {
        let keys = keys.iter().copied();
        name(
            row,
            &keys.filter(|&at| !matches!(row[at], Cell::Null)).collect(),
        )
    };
    let names: Vec<String> = rows.iter().map(name).collect();
    let distinct: BTreeSet<&String> = names.iter().collect();
    (distinct.len() == names.len()).then_some(names)
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8)
}

fn name(row: &[Cell], keys: &BTreeSet<usize>) -> String {
    let parts = keys.iter().map(|&at| match &row[at] {
        Cell::Null => "none".to_owned(),
        Cell::Text(text) => text.clone(),
        cell => cell.to_string(),
    });
    parts.collect::<Vec<_>>().join(".")
}

fn number(cell: &Cell) -> Option<f64> {
    match cell {
        // Larger integers lose digits, which no metric has.
        Cell::Integer(number) => number.to_string().parse().ok(),
        Cell::Float(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::write;

    fn of(columns: Value) -> Vec<(String, f64)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        let columns: Vec<(String, Vec<Value>)> = serde_json::from_value(columns).unwrap();
        write(&path, &columns).unwrap();
        numbers(&path).unwrap()
    }

    fn check(columns: Value, expected: &[(&str, f64)]) {
        let expected: Vec<(String, f64)> = { expected.iter() }
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect();
        assert_eq!(of(columns), expected);
    }

    #[test]
    fn rows_are_named_by_text_and_numbers_by_columns() {
        check(
            json!([
                ["subset", ["test", "validation"]],
                ["metric", ["f1", "f1"]],
                ["value", [0.5, null]],
                ["n", [3, 4]]
            ]),
            &[
                ("test.f1", 0.5),
                ("test.f1.n", 3.0),
                ("validation.f1.n", 4.0),
            ],
        );
        check(
            json!([["accuracy", [0.25]], ["loss", [1.5]]]),
            &[("accuracy", 0.25), ("loss", 1.5)],
        );
    }

    #[test]
    fn a_null_key_is_in_no_name_unless_rows_have_the_same_one_then() {
        let value = json!(["value", [0.5, 0.25]]);
        check(
            json!([["model", ["a", "b"]], ["features", [null, "c"]], value]),
            &[("a", 0.5), ("b.c", 0.25)],
        );
        check(
            json!([["model", ["a", null]], ["features", [null, "a"]], value]),
            &[("a.none", 0.5), ("none.a", 0.25)],
        );
    }

    #[test]
    fn integers_are_keys_where_text_does_not_distinguish_rows() {
        check(
            json!([
                ["epoch", [0, 1]],
                ["subset", ["test", "test"]],
                ["n", [7, 8]],
                ["loss", [2.5, 1.5]]
            ]),
            &[
                ("0.test.n", 7.0),
                ("0.test.loss", 2.5),
                ("1.test.n", 8.0),
                ("1.test.loss", 1.5),
            ],
        );
        check(json!([["value", [0.5, 0.25]]]), &[("0", 0.5), ("1", 0.25)]);
    }

    #[test]
    fn flags_are_keys_where_text_does_not_distinguish_rows() {
        check(
            json!([
                ["subset", ["test", "validation"]],
                ["judged", [false, true]],
                ["value", [0.5, 0.25]]
            ]),
            &[("test", 0.5), ("validation", 0.25)],
        );
        check(
            json!([
                ["subset", ["test", "test"]],
                ["learned", [false, true]],
                ["value", [0.5, 0.25]]
            ]),
            &[("test.false", 0.5), ("test.true", 0.25)],
        );
        // A single row of a table without text.
        check(
            json!([["best", [true]], ["score", [0.5]]]),
            &[("true.score", 0.5)],
        );
    }

    #[test]
    fn a_large_table_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        let columns = [("value".to_owned(), vec![json!(0.5); 1001])];
        write(&path, &columns).unwrap();
        let error = numbers(&path).unwrap_err().to_string();
        assert_eq!(
            error,
            "it has 1001 rows, and a table of metrics at most 1000"
        );
    }
}
