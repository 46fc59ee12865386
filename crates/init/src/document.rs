//! The file of parameters: written with the reason of every setting, and read again.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Map, Value};
use toml_edit::{DocumentMut, Item, TableLike};

use crate::plan::Setting;
use crate::record::FolderRecord;

/// Longest line of a comment, in characters.
const WIDTH: usize = 110;

/// Text before the record of the folder, which is the file's last line.
const RECORD: &str = "# seen: ";

/// The tables in their order.
const TABLES: [&str; 18] = [
    "",
    "images",
    "annotate",
    "split",
    "model",
    "train",
    "train.augmentation",
    "metric-learning",
    "attribution",
    "forest",
    "forest-search",
    "forest-search.space",
    "linear-probe",
    "score",
    "calibrate",
    "cluster",
    "cluster.umap",
    "embedding-evolution",
];

/// The file's text: `head` as comments, the settings by table, the record.
///
/// # Errors
/// A value has no form in TOML, or the record none in JSON.
pub(crate) fn text(
    head: &[String],
    settings: &[Setting],
    record: &FolderRecord,
) -> anyhow::Result<String> {
    let mut text = String::new();
    for line in head {
        comment(&mut text, line);
    }
    let mut tables: BTreeMap<(usize, &str), Vec<&Setting>> = BTreeMap::new();
    for setting in settings {
        let table = setting.key.rsplit_once('.').map_or("", |(table, _)| table);
        let rank = TABLES
            .iter()
            .position(|other| *other == table)
            .unwrap_or(TABLES.len());
        tables.entry((rank, table)).or_default().push(setting);
    }
    for ((_, table), settings) in tables {
        text += "\n";
        if !table.is_empty() {
            text += &format!("[{table}]\n");
        }
        for setting in settings {
            comment(&mut text, &sentence(&setting.reason));
            let key = setting.key.rsplit('.').next().unwrap_or_default();
            let value = toml(&setting.value)
                .with_context(|| format!("`{}` has no form in TOML", setting.key))?;
            text += &format!("{key} = {value}\n");
        }
    }
    text += "\n# The next line is the record of `cargo xtask init`, by which it finds later what has changed.\n";
    text += &format!("{RECORD}{}\n", serde_json::to_string(record)?);
    Ok(text)
}

/// `text` as a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    format!(
        "{}{}.",
        first.unwrap_or_default(),
        chars.as_str().trim_end_matches('.')
    )
}

/// Appends `text` as comment lines. Control characters, which could end a line, become spaces.
fn comment(into: &mut String, text: &str) {
    let text = text.replace(char::is_control, " ");
    let mut line = String::from("#");
    for word in text.split(' ') {
        if line.chars().count() + word.chars().count() >= WIDTH && line.len() > 1 {
            *into += &format!("{line}\n");
            line = String::from("#");
        }
        line = format!("{line} {word}");
    }
    *into += &format!("{}\n", line.trim_end());
}

/// A value in TOML; none for null.
fn toml(value: &Value) -> Option<toml_edit::Value> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some((*flag).into()),
        Value::Number(number) if number.is_f64() => number.as_f64().map(Into::into),
        Value::Number(number) => number.as_i64().map(Into::into),
        Value::String(text) => Some(text.as_str().into()),
        Value::Array(items) => {
            let items: Option<toml_edit::Array> = items.iter().map(toml).collect();
            items.map(Into::into)
        }
        Value::Object(table) => {
            let entries = table.iter().map(|(key, value)| Some((key, toml(value)?)));
            let entries: Option<toml_edit::InlineTable> = entries.collect();
            entries.map(Into::into)
        }
    }
}

/// An existing file of parameters.
#[derive(Debug, Default)]
pub(crate) struct Existing {
    /// Values by dotted key, without tables.
    pub(crate) values: BTreeMap<String, Value>,
    /// The record, if the file has one.
    pub(crate) record: Option<FolderRecord>,
}

/// Reads a file of parameters.
///
/// # Errors
/// It is not TOML.
pub(crate) fn read(text: &str) -> anyhow::Result<Existing> {
    let document: DocumentMut = text.parse().context("not TOML")?;
    let record = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix(RECORD));
    Ok(Existing {
        values: leaves(&table(document.as_table())),
        record: record.and_then(|record| serde_json::from_str(record).ok()),
    })
}

/// Values by dotted key, without tables.
pub(crate) fn leaves(value: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    collect(value, String::new(), &mut found);
    found
}

fn collect(value: &Value, key: String, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(table) if !table.is_empty() => {
            for (inner, value) in table {
                let key = if key.is_empty() {
                    inner.clone()
                } else {
                    format!("{key}.{inner}")
                };
                collect(value, key, found);
            }
        }
        value => drop(found.insert(key, value.clone())),
    }
}

fn table(table: &dyn TableLike) -> Value {
    let entries = table
        .iter()
        .map(|(key, value)| (key.to_owned(), item(value)));
    Value::Object(entries.collect::<Map<_, _>>())
}

fn item(item: &Item) -> Value {
    match (item.as_table_like(), item.as_value()) {
        (Some(inner), _) => table(inner),
        (None, Some(value)) => json(value),
        (None, None) => Value::Null,
    }
}

fn json(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => text.value().as_str().into(),
        toml_edit::Value::Integer(number) => (*number.value()).into(),
        toml_edit::Value::Float(number) => (*number.value()).into(),
        toml_edit::Value::Boolean(flag) => (*flag.value()).into(),
        toml_edit::Value::Array(items) => items.iter().map(json).collect(),
        toml_edit::Value::InlineTable(inner) => table(inner),
        toml_edit::Value::Datetime(date) => date.to_string().into(),
    }
}

/// Returns whether two values are the same; numbers are compared as such.
pub(crate) fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * a.abs().max(b.abs()),
            _ => a == b,
        },
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| is_same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// The value at a dotted key.
pub(crate) fn get<'v>(values: &'v Value, dotted: &str) -> Option<&'v Value> {
    dotted
        .split('.')
        .try_fold(values, |value, key| value.as_object()?.get(key))
}

/// The settings whose values differ from `defaults`. An object counts as differing if one of its entries does.
///
/// # Errors
/// A setting is no parameter of `defaults`, or its value is of another kind: a fault of this program.
pub(crate) fn differing(settings: Vec<Setting>, defaults: &Value) -> anyhow::Result<Vec<Setting>> {
    let mut differing = Vec::new();
    for setting in settings {
        let default = get(defaults, &setting.key);
        let default = default
            .with_context(|| format!("`{}` is no parameter of `params.toml`", setting.key))?;
        anyhow::ensure!(
            is_same_kind(default, &setting.value),
            "`{}` is {default} in `params.toml`, and would be {}",
            setting.key,
            setting.value
        );
        if !is_within(&setting.value, default) {
            differing.push(setting);
        }
    }
    Ok(differing)
}

fn is_same_kind(default: &Value, value: &Value) -> bool {
    match (default, value) {
        (Value::Number(default), Value::Number(value)) => default.is_f64() || !value.is_f64(),
        (Value::Object(default), Value::Object(value)) => {
            let mut entries = value.iter();
            entries.all(|(key, value)| {
                default
                    .get(key)
                    .is_some_and(|default| is_same_kind(default, value))
            })
        }
        (default, value) => std::mem::discriminant(default) == std::mem::discriminant(value),
    }
}

/// Returns whether `value`, laid over `default`, changes nothing.
fn is_within(value: &Value, default: &Value) -> bool {
    match (value, default) {
        (Value::Object(value), Value::Object(default)) if !default.is_empty() => {
            value.iter().all(|(key, value)| {
                default
                    .get(key)
                    .is_some_and(|default| is_within(value, default))
            })
        }
        (value, default) => is_same(value, default),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> FolderRecord {
        FolderRecord {
            folder: "/a \"b\"/ü".into(),
            images: 3,
            ..FolderRecord::default()
        }
    }

    #[test]
    fn a_written_file_is_read_with_the_same_values() {
        let settings = [
            Setting::new(
                "forest-search.space.n_trees",
                json!({ "int": [10, 100] }),
                "few images",
            ),
            Setting::new(
                "images.folder",
                json!("/a \"b\"\\*/ü"),
                "the folder\nthat was given",
            ),
            Setting::new("train.lr", json!(4e-4), "from nothing"),
            Setting::new("annotate.leave_out", json!(["a, b", "c\"d"]), "too few"),
        ];
        let text = text(&["Settings for x.".to_owned()], &settings, &record()).unwrap();
        expect_test::expect![[r##"
            # Settings for x.

            [images]
            # The folder that was given.
            folder = '/a "b"\*/ü'

            [annotate]
            # Too few.
            leave_out = ["a, b", 'c"d']

            [train]
            # From nothing.
            lr = 0.0004

            [forest-search.space]
            # Few images.
            n_trees = { int = [10, 100] }

            # The next line is the record of `cargo xtask init`, by which it finds later what has changed.
            # seen: {"folder":"/a \"b\"/ü","images":3,"problems":0,"authors":0,"classes":{},"grouping":""}
        "##]]
        .assert_eq(&text);
        let existing = read(&text).unwrap();
        assert_eq!(existing.record, Some(record()));
        assert_eq!(existing.values["images.folder"], "/a \"b\"\\*/ü");
        assert_eq!(
            existing.values["forest-search.space.n_trees.int"],
            json!([10, 100])
        );
        assert!(is_same(&existing.values["train.lr"], &json!(0.0004)));
    }

    #[test]
    fn defaults_are_not_written() {
        let defaults = json!({ "train": { "epochs": 12, "lr": 1e-4 }, "space": { "n": { "int": [1, 9], "log": true } } });
        let setting = |key, value| Setting::new(key, value, "");
        let settings = vec![
            setting("train.epochs", json!(12)),
            setting("train.lr", json!(2e-4)),
            setting("space.n", json!({ "int": [1, 9] })),
        ];
        let kept = differing(settings, &defaults).unwrap();
        assert_eq!(kept, [setting("train.lr", json!(2e-4))]);
        let error = |key, value| {
            differing(vec![setting(key, value)], &defaults)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error("train.epoch", json!(1)),
            "`train.epoch` is no parameter of `params.toml`"
        );
        assert_eq!(
            error("train.epochs", json!(1.5)),
            "`train.epochs` is 12 in `params.toml`, and would be 1.5"
        );
    }

    #[test]
    fn long_reasons_are_wrapped() {
        let mut text = String::new();
        comment(&mut text, &"word ".repeat(50));
        assert!(
            text.lines().count() == 3
                && text
                    .lines()
                    .all(|line| line.starts_with("# word") && line.len() <= WIDTH)
        );
    }
}
