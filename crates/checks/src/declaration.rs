//! Declaration of a check.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// Declaration of a table.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// Number of rows.
    pub rows: Rows,
    /// Columns whose values together are unique.
    pub unique: Vec<String>,
    /// Columns by name.
    pub columns: BTreeMap<String, Column>,
    /// Other columns.
    #[serde(deserialize_with = "flag")]
    pub others: Others,
}

/// Columns of a table that its check doesn't name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Others {
    /// They are allowed.
    #[default]
    Allowed,
    /// They are faults.
    Refused,
}

/// Bounds of a number of rows, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// Minimum.
    pub min: u64,
    /// Maximum.
    pub max: u64,
}

/// Declaration of a column; of a list, of each item.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Column {
    /// Name of the type: `int64`, `float32`, `string`, `bool`, `list<float32>`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Smallest number.
    pub min: Option<f64>,
    /// Largest number.
    pub max: Option<f64>,
    /// Allowed values.
    #[serde(rename = "in")]
    pub values: Option<Vec<Value>>,
    /// Missing values are allowed.
    pub null: bool,
}

impl Check {
    /// Reads the declaration of `pipeline.toml`, as JSON.
    ///
    /// # Errors
    /// A key or a type is wrong; the message has the place.
    pub fn read(value: &Value) -> Result<Self, String> {
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            match path.as_str() {
                "." => error.inner().to_string(),
                path => format!("`{path}`: {}", error.inner()),
            }
        })
    }
}

impl Default for Rows {
    fn default() -> Self {
        Rows {
            min: 0,
            max: u64::MAX,
        }
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Bounds {
            min: Option<u64>,
            max: Option<u64>,
        }
        let value = Value::deserialize(deserializer)?;
        if let Some(rows) = value.as_u64() {
            return Ok(Rows {
                min: rows,
                max: rows,
            });
        }
        if !value.is_object() {
            let message = format!("`{value}` is neither a count nor `{{ min = …, max = … }}`");
            return Err(de::Error::custom(message));
        }
        let bounds: Bounds = serde_json::from_value(value).map_err(de::Error::custom)?;
        let all = Rows::default();
        Ok(Rows {
            min: bounds.min.unwrap_or(all.min),
            max: bounds.max.unwrap_or(all.max),
        })
    }
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Others, D::Error> {
    Ok(match bool::deserialize(deserializer)? {
        true => Others::Allowed,
        false => Others::Refused,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_a_number_or_bounds() {
        let rows = |value: Value| Check::read(&json!({ "rows": value })).map(|check| check.rows);
        assert_eq!(rows(json!(3)), Ok(Rows { min: 3, max: 3 }));
        let most = Rows {
            min: 2,
            ..Rows::default()
        };
        assert_eq!(rows(json!({"min": 2})), Ok(most));
        let error = rows(json!("many")).unwrap_err();
        assert_eq!(
            error,
            "`rows`: `\"many\"` is neither a count nor `{ min = …, max = … }`"
        );
    }

    #[test]
    fn a_wrong_key_is_named_with_its_place() {
        let error = |check: Value| Check::read(&check).unwrap_err();
        assert!(error(json!({"row": 3})).contains("unknown field `row`, expected one of `rows`"));
        let error = error(json!({"columns": {"x": {"maximum": 1}}}));
        assert!(error.starts_with("`columns.x"), "{error}");
    }

    #[test]
    fn the_schema_has_the_same_keys() {
        let schema = include_str!("../../workflow/src/schema.json");
        let schema: Value = serde_json::from_str(schema).unwrap();
        let check = &schema["definitions"]["check"]["properties"];
        let column = &check["columns"]["additionalProperties"]["properties"];
        let nonsense = Check::read(&json!({"nonsense": 1})).unwrap_err();
        let of_column = Check::read(&json!({"columns": {"x": {"nonsense": 1}}})).unwrap_err();
        for (schema, error) in [(check, nonsense), (column, of_column)] {
            let error = error.split_once("expected one of ").unwrap().1;
            let mut known: Vec<&str> = error.split('`').skip(1).step_by(2).collect();
            known.sort_unstable();
            let error: Vec<&String> = schema.as_object().unwrap().keys().collect();
            assert_eq!(known, error);
        }
    }
}
