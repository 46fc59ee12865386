//! Values of TOML as JSON, in which stages get them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use toml_edit::{Item, TableLike};

/// A TOML scalar or array in JSON; none for dates, infinities and NaN, which
/// JSON cannot carry to a stage.
pub fn to_json(item: &Item) -> Option<Value> {
    value_to_json(item.as_value()?)
}

/// The same of tables, whose keys may stand in headers of their own.
pub fn tables_to_json(item: &Item) -> Option<Value> {
    if let Some(array) = item.as_array_of_tables() {
        let tables = array.iter();
        return { tables.map(|table| entries_to_json(table)) }.collect();
    }
    match item.as_table_like() {
        Some(table) => entries_to_json(table),
        None => to_json(item),
    }
}

fn entries_to_json(table: &dyn TableLike) -> Option<Value> {
    let entries = table.iter();
    let entries = entries.map(|(key, item)| Some((key.to_owned(), tables_to_json(item)?)));
    entries.collect::<Option<Map<_, _>>>().map(Value::Object)
}

fn value_to_json(value: &toml_edit::Value) -> Option<Value> {
    match value {
        toml_edit::Value::String(text) => Some(Value::from(text.value().as_str())),
        toml_edit::Value::Integer(number) => Some(Value::from(*number.value())),
        toml_edit::Value::Float(number) => {
            serde_json::Number::from_f64(*number.value()).map(Value::Number)
        }
        toml_edit::Value::Boolean(flag) => Some(Value::from(*flag.value())),
        toml_edit::Value::Array(items) => items.iter().map(value_to_json).collect(),
        toml_edit::Value::InlineTable(table) => {
            let entries = table.iter();
            let entries = entries.map(|(key, value)| Some((key.to_owned(), value_to_json(value)?)));
            entries.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        toml_edit::Value::Datetime(_) => None,
    }
}

/// A value in TOML; none for `null`, which TOML lacks.
pub fn from_json(value: &Value) -> Option<toml_edit::Value> {
    match value {
        Value::Bool(flag) => Some((*flag).into()),
        Value::Number(number) if number.is_f64() => number.as_f64().map(Into::into),
        Value::Number(number) => number.as_i64().map(Into::into),
        Value::String(text) => Some(text.as_str().into()),
        Value::Array(items) => {
            let items: Option<toml_edit::Array> = items.iter().map(from_json).collect();
            items.map(Into::into)
        }
        Value::Object(table) => {
            let entries = table
                .iter()
                .map(|(key, value)| Some((key, from_json(value)?)));
            let entries: Option<toml_edit::InlineTable> = entries.collect();
            entries.map(Into::into)
        }
        Value::Null => None,
    }
}

/// `value` as JSON on one line with sorted keys: equal values, equal text.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(table) => {
            let sorted: BTreeMap<&String, &Value> = table.iter().collect();
            let entries = sorted.into_iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_values_are_equal_texts() {
        let value = json!({"b": [1, 2.0, "x"], "a": {"d": null, "c": true}});
        let text = r#"{"a":{"c":true,"d":null},"b":[1,2.0,"x"]}"#;
        assert_eq!(canonical(&value), text);
    }

    #[test]
    fn values_come_back_from_toml_but_for_null() {
        let value = json!({"a": [1, 2.5, "x", true], "b": {"c": 3}});
        let item = Item::Value(from_json(&value).unwrap());
        assert_eq!(to_json(&item), Some(value));
        assert!(from_json(&json!({"a": null})).is_none());
    }

    #[test]
    fn what_json_cannot_carry_is_none() {
        let document: toml_edit::DocumentMut =
            "a = inf\nb = 2000-01-01\nc = [nan]".parse().unwrap();
        for key in ["a", "b", "c"] {
            assert_eq!(to_json(&document[key]), None, "{key}");
        }
    }
}
