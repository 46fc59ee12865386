//! Tables of plain values.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use serde_json::Value;

/// Writes `columns`, each a name and its values, to `path`, in one step.
///
/// A column is of flags, of integers or of floats if all of its values are; otherwise of text, with JSON for other
/// values. Null is a missing value.
///
/// # Errors
/// Two columns have the same name, their lengths differ, or the file cannot be written.
pub fn write(path: &Path, columns: &[(String, Vec<Value>)]) -> anyhow::Result<()> {
    let arrays = columns.iter();
    let arrays = arrays.map(|(name, values)| (name, array(values), true));
    let batch = RecordBatch::try_from_iter_with_nullable(arrays)?;
    let aside = path.with_extension(format!("{}.part", std::process::id()));
    let file = fs_err::File::create(&aside)?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(fs_err::rename(aside, path)?)
}

fn array(values: &[Value]) -> ArrayRef {
    let is_all = |fits: fn(&Value) -> bool| {
        values.iter().all(|value| value.is_null() || fits(value))
            && values.iter().any(|value| !value.is_null())
    };
    if is_all(Value::is_boolean) {
        Arc::new(values.iter().map(Value::as_bool).collect::<BooleanArray>())
    } else if is_all(Value::is_i64) {
        Arc::new(values.iter().map(Value::as_i64).collect::<Int64Array>())
    } else if is_all(Value::is_number) {
        Arc::new(values.iter().map(Value::as_f64).collect::<Float64Array>())
    } else {
        let texts = values.iter().map(|value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            value => Some(value.to_string()),
        });
        Arc::new(texts.collect::<StringArray>())
    }
}
