//! Faults of a table's file.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::Schema;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::cell::{Cell, type_name};
use crate::declaration::{Check, Column, Others};

/// Faults that are listed; the others are counted.
const LISTED: usize = 5;

/// Faults of the table at `path`, beginning with the first row; none if it fits `check`.
///
/// # Errors
/// The file is no table.
pub fn faults(check: &Check, path: &Path) -> anyhow::Result<Vec<String>> {
    let file = fs_err::File::open(path)?.into_parts().0;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .with_context(|| format!("cannot read `{}` as a table", path.display()))?;
    let mut faults = Faults::default();
    check_schema(check, builder.schema(), &mut faults);
    let n_rows = builder.metadata().file_metadata().num_rows();
    check_count(check, u64::try_from(n_rows).unwrap_or(0), &mut faults);
    if faults.listed.is_empty() {
        let mut first_rows = BTreeMap::new();
        let mut first = 0;
        for batch in builder.build()? {
            let batch = batch?;
            check_rows(check, &batch, first, &mut first_rows, &mut faults);
            first += batch.num_rows();
        }
    }
    Ok(faults.finish())
}

/// Faults so far.
#[derive(Default)]
struct Faults {
    listed: Vec<String>,
    n_more: usize,
}

impl Faults {
    /// Adds a fault; its text is only made if it is listed.
    fn add(&mut self, text: impl FnOnce() -> String) {
        if self.listed.len() < LISTED {
            self.listed.push(text());
        } else {
            self.n_more += 1;
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.n_more > 0 {
            self.listed.push(format!("and {} more", self.n_more));
        }
        self.listed
    }
}

fn check_schema(check: &Check, schema: &Schema, faults: &mut Faults) {
    let has = |name: &str| schema.column_with_name(name).is_some();
    let there = || {
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        names.join("`, `")
    };
    let named = check.columns.keys().chain(&check.unique);
    let mut missing: Vec<&String> = named.filter(|name| !has(name)).collect();
    missing.dedup();
    for name in missing {
        faults.add(|| format!("there is no column `{name}`, but `{}`", there()));
    }
    for field in schema.fields() {
        let (name, kind) = (field.name(), type_name(field.data_type()));
        match check.columns.get(name).map(|column| &column.kind) {
            Some(Some(expected)) if *expected != kind => {
                faults.add(|| {
                    format!("column `{name}` is of the type `{kind}`, expected `{expected}`")
                });
            }
            None if check.others == Others::Refused => {
                faults.add(|| format!("there is a column `{name}` that the check does not name"));
            }
            _ => {}
        }
    }
}

fn check_count(check: &Check, n_rows: u64, faults: &mut Faults) {
    let (min, max) = (check.rows.min, check.rows.max);
    if n_rows < min {
        faults.add(|| format!("{n_rows} rows, expected at least {min}"));
    } else if n_rows > max {
        faults.add(|| format!("{n_rows} rows, expected at most {max}"));
    }
}

/// First row by the values of the unique columns.
type FirstRows = BTreeMap<String, usize>;

fn check_rows(
    check: &Check,
    batch: &RecordBatch,
    first: usize,
    first_rows: &mut FirstRows,
    faults: &mut Faults,
) {
    let columns = check.columns.iter();
    let columns: Vec<(&String, &Column, &ArrayRef)> = columns
        .filter_map(|(name, column)| Some((name, column, batch.column_by_name(name)?)))
        .collect();
    let unique = check.unique.iter();
    let unique: Vec<&ArrayRef> = unique
        .filter_map(|name| batch.column_by_name(name))
        .collect();
    for row in 0..batch.num_rows() {
        let at = first + row;
        for (name, column, array) in &columns {
            let cells = Cell::all_of(array, row).into_iter();
            let mut wrong = cells.filter_map(|cell| Some((fault(column, &cell)?, cell)));
            if let Some((expected, cell)) = wrong.next() {
                faults.add(|| format!("row {at}: `{name}` is {cell}, expected {expected}"));
            }
        }
        if unique.is_empty() {
            continue;
        }
        let cells: Vec<String> = unique
            .iter()
            .map(|array| Cell::of(array, row).to_string())
            .collect();
        let cells = cells.join(", ");
        match first_rows.get(&cells) {
            Some(earlier) => faults.add(|| {
                let names = check.unique.join("`, `");
                format!("row {at}: `{names}` is {cells}, as in row {earlier}")
            }),
            None => drop(first_rows.insert(cells, at)),
        }
    }
}

/// Fault of a cell, if it has one.
fn fault(column: &Column, cell: &Cell) -> Option<String> {
    if *cell == Cell::Null {
        return (!column.null).then(|| "a value".to_owned());
    }
    if let Some(min) = column.min
        && !matches!(
            cell.compared_with(min),
            Some(Ordering::Greater | Ordering::Equal)
        )
    {
        return Some(format!("at least {min}"));
    }
    if let Some(max) = column.max
        && !matches!(
            cell.compared_with(max),
            Some(Ordering::Less | Ordering::Equal)
        )
    {
        return Some(format!("at most {max}"));
    }
    match &column.values {
        Some(values) if !values.iter().any(|value| cell.equals(value)) => {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            Some(format!("one of {}", values.join(", ")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Float32Type;
    use arrow_array::{FixedSizeListArray, Float64Array, Int64Array, StringArray};
    use parquet::arrow::ArrowWriter;
    use serde_json::{Value, json};

    use super::*;

    /// Faults of four rows; one score is missing, and in the list of the third the second item is too large.
    fn listed(check: Value) -> Vec<String> {
        let shares = [[0.5, 0.5], [0.0, 1.0], [0.25, 1.75], [1.0, 0.0]];
        let shares = shares.map(|items| Some(items.map(Some).to_vec()));
        let shares = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(shares, 2);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("id", Arc::new(Int64Array::from(vec![1, 2, 3, 3]))),
            (
                "part",
                Arc::new(StringArray::from(vec!["a", "b", "b", "a"])),
            ),
            (
                "score",
                Arc::new(Float64Array::from(vec![
                    Some(0.5),
                    None,
                    Some(1.5),
                    Some(f64::NAN),
                ])),
            ),
            ("shares", Arc::new(shares)),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, array)| (name, array, true)),
        )
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        let file = fs_err::File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        faults(&Check::read(&check).unwrap(), &path).unwrap()
    }

    #[test]
    fn a_table_that_fits_its_declaration_has_no_faults() {
        let none: [&str; 0] = [];
        assert_eq!(listed(json!({})), none);
        let check = json!({
            "rows": 4,
            "unique": ["id", "part"],
            "others": false,
            "columns": {
                "id": {"type": "int64", "min": 1, "max": 3},
                "part": {"type": "string", "in": ["a", "b"]},
                "score": {"type": "float64", "null": true},
                "shares": {"type": "list<float32>"},
            },
        });
        assert_eq!(listed(check), none);
    }

    #[test]
    fn rows_are_counted() {
        assert_eq!(listed(json!({"rows": 5})), ["4 rows, expected at least 5"]);
        assert_eq!(
            listed(json!({"rows": {"max": 3}})),
            ["4 rows, expected at most 3"]
        );
    }

    #[test]
    fn columns_and_their_types_are_checked() {
        assert_eq!(
            listed(json!({"columns": {"name": {}, "id": {"type": "int32"}}, "others": false})),
            [
                "there is no column `name`, but `id`, `part`, `score`, `shares`",
                "column `id` is of the type `int64`, expected `int32`",
                "there is a column `part` that the check does not name",
                "there is a column `score` that the check does not name",
                "there is a column `shares` that the check does not name",
            ]
        );
    }

    #[test]
    fn faults_have_the_row() {
        assert_eq!(
            listed(json!({"columns": {"score": {"min": 0, "max": 1}}})),
            [
                "row 1: `score` is missing, expected a value",
                "row 2: `score` is 1.5, expected at most 1",
                "row 3: `score` is NaN, expected at least 0",
            ]
        );
        assert_eq!(
            listed(json!({"columns": {"part": {"in": ["b", "c"]}}}))[0],
            "row 0: `part` is \"a\", expected one of \"b\", \"c\""
        );
        assert_eq!(
            listed(json!({"columns": {"shares": {"min": 0, "max": 1}}})),
            ["row 2: `shares` is 1.75, expected at most 1"]
        );
        assert_eq!(
            listed(json!({"unique": ["id"]})),
            ["row 3: `id` is 3, as in row 2"]
        );
    }

    #[test]
    fn many_faults_are_counted() {
        let listed = listed(json!({"columns": {"id": {"max": 0}, "score": {"max": 0}}}));
        assert_eq!(listed.len(), LISTED + 1);
        assert_eq!(listed[LISTED], "and 3 more");
    }
}
