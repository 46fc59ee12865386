//! The words of a check.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// What a table must be like.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// How many rows it has.
    pub rows: Rows,
    /// Columns whose values together are in no two rows.
    pub unique: Vec<String>,
    /// Columns that it has, by name.
    pub columns: BTreeMap<String, Column>,
    /// Whether it may have other columns than these.
    #[serde(deserialize_with = "flag")]
    pub others: Others,
}

/// Whether a table may have columns that its check doesn't name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Others {
    /// It may.
    #[default]
    Allowed,
    /// It may not.
    Refused,
}

/// Bounds of a number of rows, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// The fewest.
    pub min: u64,
    /// The most.
    pub max: u64,
}

/// What a column must be like; of a list, each item.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Column {
    /// The type's name: `int64`, `float32`, `string`, `bool`, `list<float32>`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The smallest number.
    pub min: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
    /// All values that there are.
    #[serde(rename = "in")]
    pub values: Option<Vec<Value>>,
    /// Whether values may be missing.
    pub null: bool,
}

impl Check {
    /// Reads what `pipeline.toml` says, as JSON.
    ///
    /// # Errors
    /// A word or a type is wrong; the message says where.
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
        let told = rows(json!("many")).unwrap_err();
        assert_eq!(
            told,
            "`rows`: `\"many\"` is neither a count nor `{ min = …, max = … }`"
        );
    }

    #[test]
    fn a_wrong_word_is_named_with_its_place() {
        let told = |check: Value| Check::read(&check).unwrap_err();
        assert!(told(json!({"row": 3})).contains("unknown field `row`, expected one of `rows`"));
        let told = told(json!({"columns": {"x": {"maximum": 1}}}));
        assert!(told.starts_with("`columns.x"), "{told}");
    }

    #[test]
    fn editors_know_the_same_words() {
        let schema = include_str!("../../workflow/src/schema.json");
        let schema: Value = serde_json::from_str(schema).unwrap();
        let check = &schema["definitions"]["check"]["properties"];
        let column = &check["columns"]["additionalProperties"]["properties"];
        let nonsense = Check::read(&json!({"nonsense": 1})).unwrap_err();
        let of_column = Check::read(&json!({"columns": {"x": {"nonsense": 1}}})).unwrap_err();
        for (schema, told) in [(check, nonsense), (column, of_column)] {
            let told = told.split_once("expected one of ").unwrap().1;
            let mut known: Vec<&str> = told.split('`').skip(1).step_by(2).collect();
            known.sort_unstable();
            let listed: Vec<&String> = schema.as_object().unwrap().keys().collect();
            assert_eq!(known, listed);
        }
    }
}
